"""Path converters."""

from django.urls.converters import IntConverter


class KeyConverter(IntConverter):
    """A primary key. A number too long for the database is not found, instead of an error."""

    regex = "[0-9]{1,18}"
