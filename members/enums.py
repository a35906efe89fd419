from django.db import models
from django.utils.translation import gettext_lazy as _


class Level(models.TextChoices):
    """Levels, lowest first: the order of definition is the order of the levels (R10)."""

    RED = "red", _("Red")
    SILVER = "silver", _("Silver")
    GOLD = "gold", _("Gold")
    PLATINUM = "platinum", _("Platinum")

    @property
    def rank(self) -> int:
        return list(Level).index(self)


class PointsCause(models.TextChoices):
    """Why points and levels changed (R21)."""

    VALIDATED = "validated", _("Counted")
    REMOVED = "removed", _("Removed")
    SUPERSEDED = "superseded", _("Superseded")
    UNSERVICEABLE = "unserviceable", _("No longer serviceable")
    RESTORED = "restored", _("Current again")
    REVALUED = "revalued", _("Points of the product changed")
    CHECK = "check", _("Didn’t pass a check")
    ADJUSTED = "adjusted", _("Adjusted by staff")
    ADJUSTMENT_ENDED = "adjustment_ended", _("An adjustment ended")
    THRESHOLDS = "thresholds", _("The points needed for the levels have changed")
    MENDED = "mended", _("Corrected after a check")
    TRANSFERRED = "transferred", _("Handed over")
    RETURNED = "returned", _("Taken back into the Kitbag")
    MERGED = "merged", _("Two accounts became one")
    UNMERGED = "unmerged", _("Two accounts became two again")


class ChangeState(models.TextChoices):
    """State of a planned change of points or levels (R22)."""

    PLANNED = "planned", _("Planned")
    RUNNING = "running", _("Being applied")
    DONE = "done", _("Applied")
    CANCELLED = "cancelled", _("Cancelled")


OPEN_CHANGES = (ChangeState.PLANNED, ChangeState.RUNNING)


class Programme(models.TextChoices):
    """The programme that a country takes part in (R1)."""

    FREE = "free", _("Free programme")
    SUBSCRIPTION = "subscription", _("Subscription programme")
    NONE = "none", _("No programme")


class ServiceLevel(models.TextChoices):
    """What a country of the free programme offers (R3)."""

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


class LostAddressState(models.TextChoices):
    """State of a request to change a lost sign-in address (R69)."""

    OPEN = "open", _("Waits for a second person")
    APPROVED = "approved", _("Changed")
    REFUSED = "refused", _("Refused")


class MergeState(models.TextChoices):
    """State of a merge of two accounts (R69)."""

    OPEN = "open", _("Waits for a second person")
    DONE = "done", _("Merged")
    REFUSED = "refused", _("Refused")
    UNDONE = "undone", _("Undone")


class NoticeCode(models.TextChoices):
    """Kind of a notice on the dashboard (R56). The text is rendered in the reader's language when it is shown."""

    LEVEL_UP = "level_up", _("Level reached")
    LEVEL_DOWN = "level_down", _("Level lost")
    REGISTRATION_APPROVED = "registration_approved", _("Registration approved")
    REGISTRATION_REFUSED = "registration_refused", _("Registration refused")
    POINTS_WILL_CHANGE = "points_will_change", _("Points will change")
    PLAN_CANCELLED = "plan_cancelled", _("An announced change was cancelled")
    POINTS_ADJUSTED = "points_adjusted", _("Points adjusted")
    LEVELS_WILL_CHANGE = "levels_will_change", _("Levels will change")
    LEVELS_STAY = "levels_stay", _("Change of levels was cancelled")
    COUNTRY_WILL_CHANGE = "country_will_change", _("Programme of the country will change")
    COUNTRY_STAYS = "country_stays", _("Change of the country was cancelled")
    COUNTRY_CHANGED = "country_changed", _("Programme of the country has changed")
    CASE_ANSWERED = "case_answered", _("Case answered")
    CASE_ASKED = "case_asked", _("Case is waiting for a reply")
    CASE_CLOSED = "case_closed", _("Case closed")
    HANDED_OVER = "handed_over", _("Product handed over")
    CAME_TO_YOU = "came_to_you", _("Product received from another member")
    STOLEN_PRESENTED = "stolen_presented", _("Stolen product turned up")
    STOLEN_LIFTED = "stolen_lifted", _("Stolen report lifted")
    MOVED = "moved", _("Moved to another country")
    WELCOME_PACK = "welcome_pack", _("Welcome Pack available")
    PACK_DISPATCHED = "pack_dispatched", _("Welcome Pack dispatched")
    PACK_RETURNED = "pack_returned", _("Welcome Pack returned")
    PACK_SENT_AGAIN = "pack_sent_again", _("Welcome Pack sent again")
    PACK_LATE = "pack_late", _("Welcome Pack delayed")
    PACK_CANCELLED = "pack_cancelled", _("Welcome Pack cancelled")
    CARD_REPLACED = "card_replaced", _("Card replaced")
    PLACE_FREE = "place_free", _("Place at an event")
    OFFER_CHANGED = "offer_changed", _("Event changed")
    TICKET = "ticket", _("Update of a service ticket")
    OFFER_WITHDRAWN = "offer_withdrawn", _("Event cancelled")


class PushKind(models.TextChoices):
    """What a browser can be told at once, if the member chose it there (R56)."""

    READY = "ready", _("A repair is ready to ship or to collect")
    LATE = "late", _("A repair takes longer than its target")
    ESTIMATE = "estimate", _("An estimate waits for my answer")
    POINTS = "points", _("Some of my points are going to change")
    LEVEL = "level", _("I’ve reached a new level")


PUSHED_NOTICES = {NoticeCode.POINTS_WILL_CHANGE: PushKind.POINTS, NoticeCode.LEVEL_UP: PushKind.LEVEL}
# By the kind of a notice about a ticket: values of `servicing.enums.EventKind`, and the reminder of an estimate.
PUSHED_TICKET_NEWS = {
    "ready": PushKind.READY,
    "target_missed": PushKind.LATE,
    "target_changed": PushKind.LATE,
    "estimate_sent": PushKind.ESTIMATE,
    "estimate_reminder": PushKind.ESTIMATE,
}
LEVEL_NOTICES = (NoticeCode.LEVEL_UP, NoticeCode.LEVEL_DOWN)


class AccessKind(models.TextChoices):
    """What staff opened (R54)."""

    PAGE = "page", _("Page opened")
    FILE = "file", _("File opened")
    EXPORT = "export", _("List downloaded")
    VIEW_AS = "view_as", _("Seen as the member")


class Door(models.TextChoices):
    """Through which door something was changed or opened (R54)."""

    DESK = "desk", _("desk")
    SITE = "site", _("member’s page")
    API = "api", _("API")
    WORKER = "worker", _("background work")
