"""A hash of what a form contains."""

from collections.abc import Container
from hashlib import sha256

from django.http import HttpRequest


def hash_form(request: HttpRequest, *, leave_out: Container[str] = ()) -> str:
    """SHA-256 of the values and files of a form, by name. The files can be read again afterwards."""
    digest = sha256()
    for name, values in sorted(request.POST.lists()):
        if name not in leave_out:
            digest.update(repr((name, values)).encode())
    for name in sorted(request.FILES):
        for file in request.FILES.getlist(name):
            content = sha256()
            for chunk in file.chunks():
                content.update(chunk)
            file.seek(0)
            digest.update(repr((name, file.name, content.hexdigest())).encode())
    return digest.hexdigest()
