"""Keys in addresses."""

from django.urls.converters import IntConverter


class KeyConverter(IntConverter):
    """A key as a database has them: what is longer leads nowhere, instead of to an error."""

    regex = "[0-9]{1,18}"
