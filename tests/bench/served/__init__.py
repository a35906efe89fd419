"""The servers that the API is measured beside: the raw limit, and REST framework as anybody would begin."""
