"""Towns by name, for the locator (R42)."""

from servicing.models import ServiceCentre
from servicing.queries import geocoding, towns
from tests.rows import each_row

CENTRES: list[ServiceCentre] = []


def test_towns_are_found_in_any_spelling_and_script() -> None:
    """R42: (typed, the town's country), as people type it on their keyboard."""
    table = {
        "Johannesburg": "ZA",
        "  stellenbosch ": "ZA",
        "Köln": "DE",
        "koln": "DE",
        "Koeln": "DE",
        "MÜNCHEN": "DE",
        "Muenchen": "DE",
        "Москва": "RU",
        "القاهرة": "EG",
        "Αθήνα": "GR",
        "תל אביב": "IL",
        "İstanbul": "TR",
        "ISTANBUL": "TR",
        "istanbul": "TR",
        "Saint Étienne": "FR",
        "St Etienne": "FR",
        "stratford upon avon": "GB",
        "Stratford-upon-Avon": "GB",
        "Göteborg": "SE",
        "Wien": "AT",
        "Kyiv": "UA",
        "Київ": "UA",
        "’s-Hertogenbosch": "NL",
        "s hertogenbosch": "NL",
    }
    answers = {typed: [town.country for town in towns.find_towns(typed)[:1]] for typed in table}
    assert answers == {typed: [country] for typed, country in table.items()}


def test_what_is_no_town_is_not_found() -> None:
    """R42: and a part of a name or of a line of the list is none."""
    for typed in ("", " ", "|", "-", "\t", "\x00", "%", "Nowhereville", "Johannesb", "x" * 500, "1685", "'"):
        assert towns.find_towns(typed) == (), typed


def test_of_several_the_one_in_the_country_of_the_member_comes_first_then_the_largest() -> None:
    """R42: the others are offered."""
    table = {
        ("Newport", ""): ("GB", 2),
        ("Newport", "IE"): ("IE", 2),
        ("Newport", "ZA"): ("GB", 2),
        ("Tripoli", ""): ("LY", 2),
        ("Tripoli", "LB"): ("LB", 2),
        ("Tripoli", "GR"): ("GR", 2),
        ("Halle", "BE"): ("BE", 2),
        ("Frankfurt", "FR"): ("DE", 1),
        ("Kazan", "TR"): ("TR", 1),
        ("Cologne", "IT"): ("IT", 1),
    }
    for (typed, lives_in), (country, others) in table.items():
        place = geocoding.geocode(typed, lives_in=lives_in, centres=CENTRES)
        assert (place.country, len(place.others) >= others) == (country, True), (typed, lives_in, place)


def test_towns_of_one_name_and_country_are_told_apart() -> None:
    british = [town for town in towns.find_towns("Newport") if town.country == "GB"]
    assert len(british) > 2
    assert len({(town.name, town.near) for town in british}) == len(british)


@each_row(
    ("typed", "country", "is_country"),
    [
        ("South Africa", "ZA", True),
        ("za", "ZA", True),
        ("Luxembourg", "LU", True),
        ("côte d’ivoire", "CI", True),
        ("Newport, Ireland", "IE", False),
        ("newport,GB", "GB", False),
        ("Nairobi, Kenya", "KE", False),
        ("Nairobi, France", "", False),
        (", Kenya", "", False),
        ("Nairobi,", "KE", False),
        ("2196", "", False),
    ],
)
def test_countries_and_towns_with_their_country(typed: str, country: str, *, is_country: bool) -> None:
    place = geocoding.geocode(typed, lives_in="", centres=CENTRES)
    assert (place.country, place.is_country) == (country, is_country)


def test_a_postcode_is_told_from_a_name() -> None:
    """R42: a postcode asks for its town, in the digits of any script."""
    postcodes = ["2196", "WD6 1AA", "75015", "101000", "٣٤٣٩٤", "NSR-4", "1181 AA", "D02 AF30", "0105", "LV-1050"]
    assert all(map(geocoding.looks_like_postcode, postcodes))
    names = ["Midrand", "القاهرة", "Nowhere at all", "Saint-Étienne", ""]
    assert not any(map(geocoding.looks_like_postcode, names))


def test_a_country_without_a_centre_is_searched_from_its_largest_town() -> None:
    for country in ("ZA", "KE", "GH"):
        town = towns.largest_town(country)
        assert town is not None and town.country == country and town.population > 1_000_000
    assert towns.largest_town("XX") is None
