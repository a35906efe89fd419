"""A page that could not keep a file because the storage is full is answered with 507, whichever page it is."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from cps_portal.core.files.actions import noticing_full_storage
from cps_portal.core.lib.disk_full import HTTP_INSUFFICIENT_STORAGE

SHOWN_AGAIN = (200, 422)  # the form with its errors


class StorageFullMiddleware:
    """Changes only the status: the form says beside the field what happened, and everything typed is still in it.

    Not for htmx, which would not show it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with noticing_full_storage() as notice:
            response = self.get_response(request)
        if notice.is_full and response.status_code in SHOWN_AGAIN and "HX-Request" not in request.headers:
            response.status_code = HTTP_INSUFFICIENT_STORAGE
        return response
