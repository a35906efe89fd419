"""The program that typesets one PDF: it reads the data of a template from its input, and writes the PDF.

`pdf` starts it for each PDF. Typst keeps what it computed for as long as its process lives, and can't be interrupted:
in a process of its own it has limits of memory and time, and leaves nothing behind. It knows no settings, no database
and no secrets, and the data is never read as source.

Its arguments are the template, the folder of templates, that of fonts, and the limits in megabytes and seconds.
"""

import resource
import signal
import sys
from pathlib import Path
from typing import Final

import typst

ACCESSIBLE: Final = "ua-1"  # PDF/UA-1: Typst refuses to write a file that breaks its rules
NOT_ACCESSIBLE = "not accessible"  # all that is said about such a file, because the message quotes the data
MEGABYTE = 1024 * 1024
MAX_OPEN_FILES = 128


def main(template: Path, templates: Path, fonts: Path, *, megabytes: int, seconds: int) -> None:
    _limit(megabytes=megabytes, seconds=seconds)
    # Ours and no others, so that every machine prints alike.
    ours = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[fonts])
    sent = {"data": sys.stdin.read()}
    try:
        pdf = typst.compile(template, root=templates, font_paths=ours, sys_inputs=sent, pdf_standards=ACCESSIBLE)
    except typst.TypstError as error:
        if "PDF/UA" not in error.message:
            sys.exit(f"{error.message} {' '.join(error.trace)}")
        pdf = typst.compile(template, root=templates, font_paths=ours, sys_inputs=sent)  # better than none
        sys.stderr.write(NOT_ACCESSIBLE)
    sys.stdout.buffer.write(pdf)


def _limit(*, megabytes: int, seconds: int) -> None:
    """Limit memory and time; no files may be written, and no memory is dumped."""
    signal.setitimer(signal.ITIMER_REAL, seconds)  # ends the process, also inside the library
    limits = {
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
    }
    if sys.platform != "darwin":  # macOS refuses to limit memory
        limits[resource.RLIMIT_AS] = megabytes * MEGABYTE
    for kind, value in limits.items():
        resource.setrlimit(kind, (value, value))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]), megabytes=int(sys.argv[4]), seconds=int(sys.argv[5]))
