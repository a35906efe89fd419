"""Create .venv with the locked requirements, and continue inside it. Needs only Python 3.11 with venv.

python3 cps_portal/dev/embedded/bootstrap.py run | test [pytest arguments] | with-servers -- COMMAND |
    clean | install | lock
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
STAMP = VENV / "installed.txt"
LOCKS = ROOT / "requirements"
LOCALE = ROOT / "locale"
COMPILER = ROOT / "cps_portal" / "core" / "lib" / "catalogues.py"
INSTALLING = "installing"
FREE_MEGABYTES = 700

# Which lock each command needs. What "dev" installs contains what "run" installs.
NEEDS = {"run": "run", "clean": "run", "test": "dev", "with-servers": "dev", "lock": "dev", "install": "dev"}
COMPILED = {
    "dev": ["--extra", "embedded", "--group", "dev"],
    "run": ["--extra", "embedded"],
    "production": [],
}


def main() -> None:
    command, *arguments = sys.argv[1:] or ["run"]
    if command not in NEEDS:
        sys.exit(__doc__)
    check_machine()
    os.chdir(ROOT)
    environment = child_environment()
    if command == "clean" and not (ROOT / ".state").exists():
        return
    try:
        install(NEEDS[command], environment)
        compile_catalogues(environment)
    except OSError as problem:
        sys.exit(f"Cannot install: {problem.strerror}: {problem.filename}")
    if command == "lock":
        lock(arguments, environment)
    elif command != "install":
        os.execve(PYTHON, [str(PYTHON), "-m", "cps_portal.dev.embedded", command, *arguments], environment)  # noqa: S606


def check_machine() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 (this file is what says so)
        version = ".".join(map(str, sys.version_info[:3]))
        sys.exit(
            f"Python 3.11 or newer is needed, but {sys.executable} is {version}. "
            "Name a newer one: make run PYTHON=python3.12"
        )


def child_environment() -> "dict[str, str]":
    """The environment for pip, uv and everything after: a package index named for pip holds for uv too."""
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # without cached bytecode each start takes seconds more
    for theirs, ours in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_CERT", "SSL_CERT_FILE")):
        if environment.get(theirs):
            environment.setdefault(ours, environment[theirs])
    return environment


def install(which: str, environment: "dict[str, str]") -> None:
    """Install the locked requirements, if what is in .venv is not already that."""
    folder = os.open(ROOT, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)  # two first starts at once: the second waits
    requirements_hash = fingerprint()
    have = STAMP.read_text().split() if STAMP.exists() else []
    if have in ([which, requirements_hash], ["dev", requirements_hash]):
        os.close(folder)
        return
    began = time.monotonic()
    say(f"Installing the locked requirements ({which}) into .venv ...")
    check_space()
    if have == [INSTALLING] or not works(UV):
        make_venv(environment)
    STAMP.write_text(INSTALLING)  # a killed installation is not trusted: the next one starts over
    call(
        [
            UV,
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--python",
            PYTHON,
            "--require-hashes",
            "-r",
            LOCKS / f"{which}.txt",
        ],
        environment,
        "Installing the requirements failed; the reason is above.",
    )
    STAMP.write_text(f"{which} {requirements_hash}")
    os.close(folder)
    say(f"  installed in {time.monotonic() - began:.0f} s")


def compile_catalogues(environment: "dict[str, str]") -> None:
    """Make the translations ready for Django, if any has changed. Only their .po files are in the repository."""
    sources = LOCALE.glob("*/LC_MESSAGES/django.po")
    if all(is_compiled(source) for source in sources):
        return
    call([PYTHON, "-I", COMPILER], environment, "A catalogue of translations cannot be read; the reason is above.")


def is_compiled(source: Path) -> bool:
    target = source.with_suffix(".mo")
    return target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns


def fingerprint() -> str:
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(LOCKS.glob("*.txt")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_space() -> None:
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < FREE_MEGABYTES:
        sys.exit(f"The disk of {ROOT} is full: {free} MB are free, installing needs {FREE_MEGABYTES} MB.")


def works(program: Path) -> bool:
    return program.exists() and subprocess.run([program, "--version"], capture_output=True).returncode == 0  # noqa: S603, PLW1510


def make_venv(environment: "dict[str, str]") -> None:
    """A fresh .venv with uv in it: uv installs in seconds what pip needs minutes for."""
    call(
        [sys.executable, "-m", "venv", "--clear", VENV],
        environment,
        "This Python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv",
    )
    call(
        [
            PYTHON,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            LOCKS / "uv.txt",
        ],
        environment,
        "Installing uv failed; the reason is above.",
    )


def lock(arguments: "list[str]", environment: "dict[str, str]") -> None:
    """Compile the lock files from pyproject.toml: one set of versions, its hashes, and no host name."""
    compile_ = [
        str(UV),
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--no-emit-index-url",
        "--custom-compile-command",
        "make lock",
        *arguments,
    ]
    for name, selection in COMPILED.items():
        agree = [] if name == "dev" else ["-c", "requirements/dev.txt"]
        target = f"requirements/{name}.txt"
        call([*compile_, "pyproject.toml", *selection, *agree, "-o", target], environment, "Locking failed.")
        say(f"  {target}")
    call([*compile_, "requirements/uv.in", "-o", "requirements/uv.txt"], environment, "Locking failed.")


def call(command: "list[object]", environment: "dict[str, str]", failure: str) -> None:
    done = subprocess.run([str(part) for part in command], env=environment, cwd=ROOT)  # noqa: S603, PLW1510
    if done.returncode:
        sys.exit(failure)


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.path.pop(0)  # this folder's modules must not stand in for the standard library's
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
