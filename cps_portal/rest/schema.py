"""What the schema says of the errors, once for all operations."""

from typing import Any

from cps_portal.rest.errors import CONTENT_TYPE, ProblemSerializer


def problems(*codes: int) -> dict[tuple[int, str], Any]:
    """The `responses` of extend_schema for these statuses."""
    return {(code, CONTENT_TYPE): ProblemSerializer for code in codes}
