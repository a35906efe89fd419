"""What the sandbox counts on: addresses that nobody reads, and the table of magic serial numbers. No database."""

from collections.abc import Iterable
from dataclasses import dataclass

SAMPLE_DOMAIN = "sandbox.example.org"
RESERVED_DOMAINS = ("example.org", "example.com", "example.net", "example", "test", "invalid", "localhost")  # RFC 2606
PRODUCT = "eos-r5-mark-ii"  # of all samples: a camera whose serial number has twelve digits
PREFIX_DIGITS, SUFFIX_DIGITS = 9, 3  # the last ones say which magic number it is


def sample_address(name: str, partner: str) -> str:
    """The e-mail address of a partner's sample member: its end is how they are found again."""
    return f"{name}@{partner}.{SAMPLE_DOMAIN}"


def is_reserved(email: str) -> bool:
    """Whether the address is in a domain that no mail can reach, by RFC 2606 and 6761."""
    domain = email.rpartition("@")[2].lower()
    return any(domain == reserved or domain.endswith(f".{reserved}") for reserved in RESERVED_DOMAINS)


@dataclass(frozen=True)
class MagicSerial:
    """A serial number that shows one answer. `number` is the whole number, or the three digits that it ends in.

    `at_sale` and `at_intake` are the codes that `confirmSale` and `checkIntake` answer with, "" for no objection.
    """

    name: str
    number: str
    what: str
    at_sale: str
    at_intake: str

    @property
    def is_made(self) -> bool:
        """Whether it belongs to the partner's sample data, and so is another one each time that is made anew."""
        return self.number.isdigit() and len(self.number) == SUFFIX_DIGITS


MAGIC_SERIALS = (
    MagicSerial("new", "201", "nobody has it, and nothing is wrong with it", "", "unknown"),
    MagicSerial("registered", "202", "a member has it, and it counts", "", "found"),
    MagicSerial("waiting", "203", "an unusual one, and a member waits for your sale of it", "serial_shape", "found"),
    MagicSerial("duplicate", "204", "two members have typed it", "", "found"),
    MagicSerial("stolen", "205", "its owner has reported it as stolen", "", "stolen"),
    MagicSerial("sold", "206", "you have confirmed its sale already, with other details", "standing", "unknown"),
    MagicSerial("unusual", "9876545", "not the usual form of this product", "serial_shape", "serial_shape"),
    MagicSerial("letters", "O52O21OO8842", "letters where there are digits", "serial_letters", "serial_letters"),
    MagicSerial("bar_code", "4549292200782", "the bar code of the box", "serial_ean", "unreadable"),
    MagicSerial("shortened", "5.20210E+11", "what a spreadsheet makes of it", "serial_shortened", "unreadable"),
    MagicSerial("short", "12", "digits are missing", "serial_short", "serial_short"),
    MagicSerial("unreadable", "???", "no letter and no digit", "serial_signs", "unreadable"),
)
WARNINGS = {"serial_shape"}  # in `warnings` of a sale that is taken all the same; any other code refuses it
SUFFIX = {serial.name: serial.number for serial in MAGIC_SERIALS if serial.is_made}


def magic_number(name: str, prefix: str) -> str:
    """The number of a magic serial that is made, from the partner's own digits. `waiting` is shorter, so unusual."""
    head = prefix[:6] if name == "waiting" else prefix
    return f"{head}{SUFFIX[name]}"


def describe_serials(serials: Iterable[MagicSerial] = MAGIC_SERIALS) -> str:
    """The table of the guide, in Markdown."""
    lines = ["| name | number | a sale answers | an intake check answers |", "|---|---|---|---|"]
    for serial in serials:
        number = f"ends in `{serial.number}`" if serial.is_made else f"`{serial.number}`"
        sale = f"`{serial.at_sale}`" if serial.at_sale else "taken"
        sale = f"taken, with {sale}" if serial.at_sale in WARNINGS else sale
        lines.append(f"| {serial.name} | {number}: {serial.what} | {sale} | `{serial.at_intake}` |")
    return "\n".join(lines) + "\n"
