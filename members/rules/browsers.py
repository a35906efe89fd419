"""What a User-Agent says, in words that people know their browser by."""

import re

MAX_READ_LENGTH = 300  # signs
# In this order, because most browsers also name those that they descend from.
BROWSERS = [
    ("Edge", re.compile(r"\bEdg(?:e|A|iOS)?/")),
    ("Opera", re.compile(r"\b(?:OPR|OPT|Opera)/")),
    ("Samsung Internet", re.compile(r"\bSamsungBrowser/")),
    ("Vivaldi", re.compile(r"\bVivaldi/")),
    ("Firefox", re.compile(r"\b(?:Firefox|FxiOS)/")),
    ("Chrome", re.compile(r"\b(?:Chrome|CriOS|Chromium|HeadlessChrome)/")),
    ("Safari", re.compile(r"\bSafari/")),
]
SYSTEMS = [
    ("iPhone", re.compile(r"\biPhone\b")),
    ("iPad", re.compile(r"\biPad\b")),
    ("Android", re.compile(r"\bAndroid\b")),
    ("Windows", re.compile(r"\bWindows\b")),
    ("Chromebook", re.compile(r"\bCrOS\b")),
    ("Mac", re.compile(r"\bMac(?:intosh| OS X)\b")),
    ("Linux", re.compile(r"\bLinux\b|\bX11\b")),
]
PORTABLE = {"iPhone", "iPad", "Android"}


def name_browser(user_agent: str) -> tuple[str, str]:
    """The names of the browser and of the system; each is empty if it is not known."""
    text = user_agent[:MAX_READ_LENGTH]
    browser = next((name for name, pattern in BROWSERS if pattern.search(text)), "")
    return browser, next((name for name, pattern in SYSTEMS if pattern.search(text)), "")
