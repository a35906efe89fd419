import pytest

from tests.sandbox.conftest import sandbox
from tests.workers import broker, no_broker, start_worker

__all__ = ["broker", "no_broker", "sandbox", "start_worker"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark these tests as races (`make test-races`): truncating every table after each test is slow."""
    for item in items:
        if "concurrency" in item.path.parts and not item.get_closest_marker("launcher"):
            item.add_marker("races")
