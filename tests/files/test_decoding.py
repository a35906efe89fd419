"""Uploads are opened in processes of their own (R25): whatever a file does, the web process and other people's files
are none the worse for it."""

import io
import random
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from cps_portal.core.files.actions import SENTENCES
from cps_portal.core.files.decoder import CLEAN, SERIAL
from cps_portal.core.files.decoding import Decoder
from cps_portal.core.files.images import UnusableFile
from cps_portal.core.lib.fair_share import Gate, TooManyAtOnce
from tests.files import samples

SECONDS = 2
MEGABYTES = 400


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    small = Decoder(megabytes=MEGABYTES, seconds=SECONDS)
    small.start()
    yield small
    small.stop()


def outcome(decoder: Decoder, content: bytes, work: str = CLEAN) -> str:
    """The kind of the clean file, or the code of the refusal, which has to have a sentence."""
    try:
        answer, _content = decoder.ask(work, io.BytesIO(content))
    except UnusableFile as error:
        return error.code if SENTENCES[error.code] else ""
    return str(answer.get("kind", "read"))


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png_text_bomb() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("note", "0" * 60_000_000, zip=True)
    return saved(samples.picture(), pnginfo=info)


def plain_pdf(*objects: bytes, root: bytes = b"<</Type/Catalog/Pages 2 0 R>>") -> bytes:
    """A PDF of these objects, numbered from 2 on, with a table of their places."""
    content, places = b"%PDF-1.7\n", []
    for number, body in enumerate([root, *objects], 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
    tail = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(content))
    return content + head + table + tail


def stream(content: bytes, more: bytes = b"") -> bytes:
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), more, content)


def pdf_with(contents: bytes) -> bytes:
    pages = b"<</Type/Pages/Kids[3 0 R]/Count 1>>"
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>"
    return plain_pdf(pages, page, contents)


def compressed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(b"0" * 2**20) for _number in range(megabytes)), packer.flush()])


HOSTILE: dict[str, Callable[[], bytes]] = {
    "pixels that need more memory than there is": lambda: saved(Image.new("RGBA", (7_900, 7_900)), compress_level=1),
    "a text of 60 MB in a PNG": png_text_bomb,
    "a PNG of 3.6 gigapixels": samples.png_bomb,
    "a JPEG that claims 65,535 pixels each way": lambda: samples.jpeg_header(65_535, 65_535),
    "a colour profile without an end": lambda: saved(samples.picture(), "JPEG", icc_profile=b"\xff" * 400_000),
    "PDF pages that contain themselves": lambda: plain_pdf(b"<</Type/Pages/Kids[2 0 R]/Count 1>>"),
    "a PDF of brackets in brackets": lambda: pdf_with(b"[" * 200_000 + b"]" * 200_000),
    "a PDF of dictionaries in dictionaries": lambda: pdf_with(b"<</A " * 50_000 + b">>" * 50_000),
    "a PDF that names its own table as the one before": lambda: samples.pdf().replace(
        b"startxref", b"/Prev 9 startxref"
    ),
    "a PDF with a number that is endless": lambda: pdf_with(b"9" * 500_000),
    "a PDF that unpacks to 300 MB": lambda: pdf_with(stream(compressed(300), b"/Filter/FlateDecode")),
    "objects packed four times": lambda: pdf_with(
        stream(
            zlib.compress(zlib.compress(compressed(200))), b"/Type/ObjStm/N 9/First 9/Filter[/FlateDecode/FlateDecode]"
        )
    ),
    "a HEIC without an end": lambda: samples.heic()[:-40],
    "a PDF of 14 MB of nothing": lambda: b"%PDF-1.4\n" + b"<" * 14_000_000,
}


@pytest.mark.wide
def test_hostile_files_end_in_an_answer_within_the_limits(decoder: Decoder) -> None:
    before = _own_megabytes()
    wrong = []
    for name, make in HOSTILE.items():
        content = make()
        began = time.monotonic()
        answer = outcome(decoder, content)
        seconds = time.monotonic() - began
        if seconds > SECONDS + 3:
            wrong.append(f"{name}: {answer} after {seconds:.1f} s")
        if outcome(decoder, samples.jpeg()) != "jpeg":
            wrong.append(f"{name}: the next file suffered")
    assert not wrong, wrong
    assert _own_megabytes() - before < 200, "the memory is that of the decoder, not ours"


def _own_megabytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.wide
def test_damaged_files_are_answered_like_any_other(decoder: Decoder) -> None:
    chance = random.Random(25)  # noqa: S311 (damage, no secret)
    originals = [samples.jpeg(), samples.png(), samples.heic(), samples.pdf(2, script=True)]
    for original in originals * 25:
        damaged = bytearray(original)
        for _number in range(chance.randrange(1, 30)):
            damaged[chance.randrange(12, len(damaged))] = chance.randrange(256)
        assert outcome(decoder, bytes(damaged)) and outcome(decoder, bytes(damaged), SERIAL)


def noise(kind: str, **options: object) -> bytes:
    """A picture of 2 megapixels that no decoder can read in a few MB."""
    return saved(Image.effect_noise((1_500, 1_500), 60).convert("RGB"), kind, **options)


def test_too_little_memory_is_never_called_a_broken_picture() -> None:
    """Whatever the library says, which depends on where the memory ends (R25)."""
    pictures = {
        "JPEG": noise("JPEG"),
        "JPEG in several scans": noise("JPEG", progressive=True),
        "PNG": noise("PNG", compress_level=1),
        "HEIC": noise("HEIF", quality=30),
    }
    outcomes = set()
    for megabytes in (40, 100):
        tight = Decoder(megabytes=megabytes, seconds=10)
        try:
            outcomes |= {(name, outcome(tight, picture)) for name, picture in pictures.items()}
        finally:
            tight.stop()
    assert {answer for _name, answer in outcomes} <= {"heavy", "jpeg"}, outcomes
    assert {name for name, answer in outcomes if answer == "heavy"} == pictures.keys()
    assert "Save it smaller" in str(SENTENCES["heavy"])


def test_a_broken_picture_is_called_broken_with_little_and_with_much_memory() -> None:
    for megabytes in (70, MEGABYTES):
        decoder = Decoder(megabytes=megabytes, seconds=SECONDS)
        try:
            assert outcome(decoder, samples.jpeg()[:300]) == "broken"
            assert outcome(decoder, samples.png()[:-60]) == "broken"
        finally:
            decoder.stop()


@pytest.mark.wide
def test_a_file_that_never_ends_is_given_up_after_its_time() -> None:
    hasty = Decoder(megabytes=MEGABYTES, seconds=1)
    ours, theirs = socket.socketpair()
    try:
        hasty.start()
        with ours:
            with theirs:
                hasty._hand_over(theirs)
            ours.settimeout(60)  # without its limit the process would read for ever
            assert ours.recv(1) == b"", "its process has ended"
    finally:
        hasty.stop()


def test_a_decoder_that_died_is_started_again(decoder: Decoder) -> None:
    assert outcome(decoder, samples.jpeg()) == "jpeg"
    assert decoder._process
    decoder._process.kill()
    decoder._process.wait()
    assert outcome(decoder, samples.pdf()) == "pdf"


def test_the_decoder_has_no_secrets_in_its_environment(decoder: Decoder) -> None:
    outcome(decoder, samples.jpeg())
    assert decoder._process
    environment = Path(f"/proc/{decoder._process.pid}/environ").read_bytes()
    assert {name.partition(b"=")[0] for name in environment.strip(b"\0").split(b"\0")} <= {
        b"LANG",
        b"MALLOC_ARENA_MAX",
        b"LC_CTYPE",
    }


def test_files_are_opened_side_by_side_from_many_threads(decoder: Decoder) -> None:
    outcomes: list[str] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(outcome(decoder, samples.jpeg()))) for _number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["jpeg"] * 8


# --- Fair by person ----------------------------------------------------------------------------------------


class Visitors:
    """People who enter a gate and stay inside until they are let go."""

    def __init__(self, gate: Gate, *, seconds: float = 10) -> None:
        self.gate, self.seconds = gate, seconds
        self.inside: list[str] = []
        self.refused: list[str] = []
        self.go_on, self._changed = threading.Event(), threading.Semaphore(0)
        self.threads: list[threading.Thread] = []

    def send(self, owner: str) -> None:
        thread = threading.Thread(target=self._enter, args=[owner])
        self.threads.append(thread)
        thread.start()

    def wait(self, count: int = 1) -> None:
        for _number in range(count):
            assert self._changed.acquire(timeout=10)

    def leave(self) -> None:
        self.go_on.set()
        for thread in self.threads:
            thread.join()

    def _enter(self, owner: str) -> None:
        try:
            with self.gate.turn(owner, seconds=self.seconds):
                self.inside.append(owner)
                self._changed.release()
                self.go_on.wait(10)
        except TooManyAtOnce:
            self.refused.append(owner)
            self._changed.release()


def test_one_person_never_occupies_all_decoders() -> None:
    visitors = Visitors(Gate(slots=2, max_present=4))
    for _number in range(2):
        visitors.send("ana")
    visitors.wait()
    visitors.send("ben")
    visitors.wait()
    assert sorted(visitors.inside) == ["ana", "ben"]
    visitors.leave()
    assert sorted(visitors.inside) == ["ana", "ana", "ben"], "the second of Ana's had to wait, and had its turn"


def test_who_sends_too_many_at_once_is_refused_at_once_and_others_are_not() -> None:
    visitors = Visitors(Gate(slots=2, max_present=4))
    for _number in range(6):
        visitors.send("ana")
    visitors.wait(5)
    assert visitors.refused == ["ana"] * 4 and visitors.inside == ["ana"]
    visitors.send("ben")
    visitors.wait()
    assert visitors.inside == ["ana", "ben"]
    visitors.leave()


def test_many_people_do_not_hold_all_threads_and_nobody_waits_without_end() -> None:
    visitors = Visitors(Gate(slots=1, max_present=4), seconds=0.05)
    for name in ("ana", "ben", "chloe", "dana", "emil", "fay"):
        visitors.send(name)
    visitors.wait(6)
    assert len(visitors.inside) == 1 and len(visitors.refused) == 5
    visitors.leave()
    with visitors.gate.turn("fay", seconds=0):
        pass
