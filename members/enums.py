from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """R10, lowest first: the order of definition is the order of the levels."""

    RED = "red", _("Red")
    SILVER = "silver", _("Silver")
    GOLD = "gold", _("Gold")
    PLATINUM = "platinum", _("Platinum")

    @property
    def rank(self) -> int:
        return list(Level).index(self)


class Programme(models.TextChoices):
    """What a country takes part in (R1)."""

    FREE = "free", _("Free programme")
    SUBSCRIPTION = "subscription", _("Subscription programme")
    NONE = "none", _("No programme")


class ServiceLevel(models.TextChoices):
    """What a free country offers (R3)."""

    FULL = "full", _("Full")
    SILVER = "silver", _("Up to Silver")


class Theme(models.TextChoices):
    AUTO = "auto", _("Auto")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Specialty(models.TextChoices):
    WEDDINGS = "weddings", _("Weddings and portraits")
    SPORT = "sport", _("Sport")
    NEWS = "news", _("News")
    WILDLIFE = "wildlife", _("Wildlife")
    COMMERCIAL = "commercial", _("Commercial")
    FILM = "film", _("Film and video")
    OTHER = "other", _("Something else")


class NoticeCode(models.TextChoices):
    """What the dashboard says of its own accord (R56); worded in the reader's language when shown."""

    LEVEL_UP = "level_up", _("Level reached")
    LEVEL_DOWN = "level_down", _("Level lost")
    REGISTRATION_APPROVED = "registration_approved", _("Registration approved")
    REGISTRATION_REFUSED = "registration_refused", _("Registration refused")
