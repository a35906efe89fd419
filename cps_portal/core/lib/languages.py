"""The languages of the portal. English is the language of the code, and the one of the desk.

A language is offered once its catalogue is whole: `LANGUAGES` in the settings says which ones are.
"""

ENGLISH = "en"
NAMES = {  # each in its own words, never translated
    "en": "English",
    "fr": "Français",
    "ar": "العربية",
    "ru": "Русский",
    "tr": "Türkçe",
    "pt": "Português",
}
LOCALES = {"en": "en_GB", "fr": "fr", "ar": "ar", "ru": "ru", "tr": "tr", "pt": "pt_PT"}  # what Babel calls them
RIGHT_TO_LEFT = {"ar"}
OTHERS = tuple(code for code in NAMES if code != ENGLISH)
