"""Names of people in the order in which their country writes them (R8): "Ana Example", in Hungary "Nagy János"."""

FAMILY_NAME_FIRST = frozenset({"HU"})  # of the region, by CLDR (`surnameFirst`)


def full_name(first: str, last: str, country: str) -> str:
    """Both names, or the one that there is, or "": without any title. `country` is an ISO code."""
    return " ".join(name for name in in_written_order(first, last, country) if name)


def in_written_order(first: str, last: str, country: str) -> tuple[str, str]:
    """First and last name as the country orders them; either can be ""."""
    return (last, first) if country in FAMILY_NAME_FIRST else (first, last)
