"""The desk of staff: its parts in the rail, the records by subject, the queues of Today, and hits of the box (R54)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import quote

from django.db.models import Model
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cps_portal.core.lib.reference import format_reference
from cps_portal.site.queries.finder import Found
from cps_portal.site.queries.workload import Waiting
from members.models import User
from servicing.enums import TicketState
from servicing.rules.lanes import Lane

Text = Any  # a lazy translation, or a string


@dataclass(frozen=True)
class Badge:
    """How many wait beside a part of the rail. `tone`: late if one of them is overdue, turn for those of the reader."""

    count: int
    tone: str = ""

    @property
    def words(self) -> str:
        """What the number means, for screen readers."""
        words = {"late": gettext("waiting, some overdue"), "turn": gettext("waiting for you")}
        return words.get(self.tone, gettext("waiting"))


@dataclass(frozen=True)
class Part:
    """A part of the desk in the rail. `key` goes to it after G; a part of another is indented.

    `counts` are the queues whose rows its `badge` counts; `is_mine`: only those that the reader has taken.
    """

    right: str
    address: str
    label: Text
    icon: str = ""
    key: str = ""
    query: str = ""
    counts: tuple[str, ...] = ()
    is_mine: bool = False
    badge: Badge | None = None

    @property
    def url(self) -> str:
        return _path(self.address) + self.query


@cache
def _path(address: str) -> str:
    """The rail of every page has all of them."""
    return reverse(address)


REVIEWS = "admin:kitbag_registrationinreview_changelist"
CASES = "admin:cases_case_changelist"
JOBS = "admin:servicing_ticket_changelist"
INDEX = "admin:index"
RECORDS = "admin:records"
LANES = tuple(map(str, Lane))
MINE = ("reviews", "appeals", "cases", *LANES)
PARTS = (
    Part("", INDEX, _("Today"), "home", "t", counts=MINE, is_mine=True),
    Part("kitbag.decide_registration", REVIEWS, _("Decide"), "ok", "d", counts=("reviews", "appeals", "claims")),
    Part("kitbag.decide_registration", REVIEWS, _("Checks"), counts=("reviews",)),
    Part(
        "kitbag.decide_registration",
        REVIEWS,
        _("Appeals"),
        query="?review_reason__exact=appeal",
        counts=("appeals",),
    ),
    Part("kitbag.decide_claim", "admin:kitbag_claim_changelist", _("Claims"), counts=("claims",)),
    Part("cases.view_case", CASES, _("Cases"), "chat", "c", counts=("cases",)),
    Part("cases.view_case", CASES, _("Mine"), query="?view=mine", counts=("cases",), is_mine=True),
    Part("cases.view_case", CASES, _("Nobody’s"), query="?view=nobody", counts=("nobody",)),
    Part("kitbag.view_sighting", "admin:kitbag_sighting_changelist", _("Stolen kit"), counts=("sightings",)),
    Part("members.view_member", "admin:members_member_changelist", _("Members"), "user", "m"),
    Part("kitbag.view_stagechange", "admin:programme", _("Programme"), "calendar", "p"),
    Part("kitbag.view_stagechange", "admin:programme_changes", _("Planned changes"), counts=("planned",)),
    Part(
        "kitbag.view_catalogueproposal",
        "admin:kitbag_catalogueproposal_changelist",
        _("Proposals"),
        counts=("proposals",),
    ),
    Part("members.view_countryprogramme", "admin:programme_countries", _("Countries and terms")),
    Part("offers.view_offer", "admin:programme_offers", _("Offers")),
    Part("kitbag.view_programme_numbers", "admin:programme_numbers", _("Numbers over time")),
    Part("servicing.work_on_ticket", "admin:servicing_ticket_board", _("Board"), "board", "b", counts=LANES),
    Part("servicing.work_on_ticket", "admin:servicing_ticket_intake", _("Take in"), "scan", "i", counts=("arriving",)),
    Part("servicing.work_on_ticket", "admin:servicing_visitingmember_check", _("Visiting cards")),
    Part("servicing.work_on_ticket", "admin:servicing_ticket_ship", _("Ship"), "truck", "s", counts=("ready",)),
    Part("servicing.view_loan", "admin:servicing_loan_desk", _("Loans"), "swap", "l", counts=("loans",)),
    Part("servicing.view_ticket", JOBS, _("Jobs"), "service", "j"),
    Part("servicing.view_ticket", "admin:servicing_ticket_numbers", _("Numbers")),
    Part("system.view_tick", "admin:system_tick_changelist", _("System"), "shield", "y"),
)
ALL_RECORDS = Part("", RECORDS, _("All records"), "rows", "a")
OTHER_WORK = ("kitbag.decide_registration", "kitbag.view_programme_numbers")  # which Today shows
MAX_TABS = 4  # of a phone, beside the one of all records
MAX_RECORDS_TERM = 60


def parts_for(user: User) -> list[Part]:
    """The parts that the user's rights open, the one that the desk opens on first."""
    parts = [part for part in PARTS if not part.right or user.has_perm(part.right)]
    return parts[1:] if works_in_centre_only(user) else parts


def works_in_centre_only(user: User) -> bool:
    """Whether the board of a centre has all the work of the user, so that the desk opens on it."""
    return user.has_perm("servicing.work_on_ticket") and not any(user.has_perm(right) for right in OTHER_WORK)


def with_badges(parts: Iterable[Part], waiting: Mapping[str, Waiting]) -> list[Part]:
    return [replace(part, badge=_badge(part, waiting)) for part in parts]


def _badge(part: Part, waiting: Mapping[str, Waiting]) -> Badge | None:
    rows = [waiting[key] for key in part.counts if key in waiting]
    if part.is_mine:
        count, tone = sum(row.mine for row in rows), "turn"
    else:
        count, tone = sum(row.total for row in rows), "late" if any(row.late for row in rows) else ""
    return Badge(count, tone) if count else None


def city_of(zone: str) -> str:
    """The city that names a time zone, such as "Johannesburg"."""
    return zone.rpartition("/")[2].replace("_", " ")


def role_of(user: User) -> str:
    """What stands under the name of the desk."""
    if user.is_superuser:
        return gettext("Administration")
    rights = {
        "kitbag.decide_registration": gettext("Support"),
        "kitbag.plan_stagechange": gettext("Programme"),
        "servicing.work_on_ticket": gettext("Service centre"),
    }
    return next((name for right, name in rights.items() if user.has_perm(right)), gettext("Staff"))


# --- All records ---------------------------------------------------------------------------------

MEMBERS, KIT, SERVICE, OFFERS, SUPPORT, PARTNERS, SYSTEM, LOGS = (
    (_("Members"), "user"),
    (_("Kit"), "kit"),
    (_("Servicing"), "service"),
    (_("Offers, packs, cards"), "card"),
    (_("Support"), "chat"),
    (_("Partners"), "store"),
    (_("System"), "shield"),
    (_("Logs and histories"), "history"),
)
SUBJECTS = (MEMBERS, KIT, SERVICE, OFFERS, SUPPORT, PARTNERS, SYSTEM, LOGS)
SUBJECT_OF_APP = {
    "members": MEMBERS,
    "kitbag": KIT,
    "servicing": SERVICE,
    "offers": OFFERS,
    "cases": SUPPORT,
    "partners": PARTNERS,
}
LOG_MODELS = frozenset(
    {"LogEntry", "ApiCall", "Attempt", "IdempotencyRecord", "LedgerCheck", "MissedSearch", "CalendarSnapshot"}
)


def is_log(model: type[Model]) -> bool:
    """Whether it is a history of another model, or only ever appended to by the portal."""
    return hasattr(model, "pgh_tracked_model") or model.__name__ in LOG_MODELS


def records_by_subject(apps: Iterable[Mapping[str, Any]], term: str = "") -> list[dict[str, Any]]:
    """The models that somebody may see, by subject: those that can be changed first, histories last of all.

    `apps` is what `AdminSite.get_app_list` returns; with `term`, only those whose name has it. A subject without a
    model is left out.
    """
    subjects: dict[Any, list[dict[str, Any]]] = {subject: [] for subject in SUBJECTS}
    for app in apps:
        for entry in app["models"]:
            if not entry["admin_url"] or term.casefold() not in str(entry["name"]).casefold():
                continue
            subject = LOGS if is_log(entry["model"]) else SUBJECT_OF_APP.get(app["app_label"], SYSTEM)
            is_main = subject is not LOGS and (entry["perms"]["change"] or entry["perms"]["add"])
            subjects[subject].append({**entry, "is_main": is_main})
    return [
        {"name": name, "icon": icon, "models": sorted(models, key=lambda entry: not entry["is_main"])}
        for (name, icon), models in subjects.items()
        if models
    ]


# --- Today ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueRow:
    """A line of Today with the list it opens."""

    label: Text
    icon: str
    url: str
    waiting: Waiting


QUEUE_PAGES: dict[str, tuple[Text, str, str, str]] = {
    "reviews": (_("Registrations to check"), "serial", REVIEWS, ""),
    "appeals": (_("Appeals"), "alert", REVIEWS, "?review_reason__exact=appeal"),
    "cases": (_("Cases"), "chat", CASES, ""),
    "claims": (_("Claims to a serial number"), "swap", "admin:kitbag_claim_changelist", ""),
    "sightings": (_("Stolen kit seen this week"), "lock", "admin:kitbag_sighting_changelist", ""),
    "packs": (_("Welcome Packs that are late"), "gift", "admin:offers_welcomepack_changelist", "?trouble=late"),
    "loans": (_("Loans with customers"), "camera", "admin:servicing_loan_changelist", "?state__exact=out"),
    "proposals": (
        _("Proposed changes of the catalogue"),
        "edit",
        "admin:kitbag_catalogueproposal_changelist",
        "?state__exact=open",
    ),
    "planned": (_("Planned changes"), "calendar", "admin:kitbag_stagechange_changelist", "?state__exact=planned"),
    "failed": (_("Messages that failed"), "mail", "admin:outbox_message_changelist", "?state__exact=failed"),
    "held": (_("Messages held"), "clock", "admin:outbox_message_changelist", "?state__exact=held"),
}


def queue_rows(queues: Mapping[str, Waiting]) -> list[QueueRow]:
    """Queues with something in them, what is overdue first."""
    rows = [
        QueueRow(label, icon, reverse(address) + query, queues[key])
        for key, (label, icon, address, query) in QUEUE_PAGES.items()
        if key in queues and queues[key].total
    ]
    return sorted(rows, key=lambda row: not row.waiting.late)


def job_rows(jobs: Mapping[str, Waiting]) -> list[QueueRow]:
    """Open jobs by step, in the usual order of the steps."""
    url = reverse(JOBS)
    return [
        QueueRow(state.label, "service", f"{url}?state={state.value}", jobs[state.value])
        for state in TicketState
        if state.value in jobs
    ]


def summary(waiting: Iterable[Waiting]) -> str:
    """The line under the heading of Today."""
    rows = list(waiting)
    late, today = sum(row.late for row in rows), sum(row.today for row in rows)
    if not late and not today:
        return gettext("Nothing is overdue, and nothing more is due today.")
    sentences = [
        (late, ngettext("%(count)s thing is overdue.", "%(count)s things are overdue.", late)),
        (today, ngettext("%(count)s is due today.", "%(count)s are due today.", today)),
    ]
    return " ".join(sentence % {"count": count} for count, sentence in sentences if count)


# --- The one box ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hit:
    """A line of the box. `acts` are the next steps from an exact hit by keys 1 to 3: right, label and address."""

    title: str
    sub: str
    url: str
    exact: bool
    level: str = ""
    level_name: str = ""
    acts: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class HitGroup:
    label: Text
    icon: str
    hits: list[Hit]


KINDS: dict[str, tuple[Text, str]] = {
    "members": (_("Members"), "user"),
    "serials": (_("Serial numbers"), "serial"),
    "arrivals": (_("Parcels to take in"), "scan"),
    "jobs": (_("Jobs"), "service"),
    "parcels": (_("Parcels"), "truck"),
    "cases": (_("Cases"), "chat"),
    "packs": (_("Welcome Packs"), "gift"),
    "cards": (_("Cards"), "card"),
    "requests": (_("Cards on their way"), "truck"),
    "visitors": (_("Visiting members"), "globe"),
}


def hit_groups(found: Iterable[Found]) -> list[HitGroup]:
    """By kind, kinds with an exact hit first."""
    hits: dict[str, list[Hit]] = {}
    for row in found:
        hits.setdefault(row.kind, []).append(HITS[row.kind](row.row, row.exact))
    return [HitGroup(*KINDS[kind], hits=rows) for kind, rows in hits.items()]


def acts_for(user: User, hit: Hit | None) -> list[tuple[str, str]]:
    """The next steps from a hit that the reader may take: label and address."""
    return [(label, url) for right, label, url in hit.acts if user.has_perm(right)] if hit else []


def only_exact(groups: Iterable[HitGroup]) -> Hit | None:
    """The hit that Enter opens: the only exact one."""
    exact = [hit for group in groups for hit in group.hits if hit.exact]
    return exact[0] if len(exact) == 1 else None


def _page_of(row: Model) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _join(*parts: object) -> str:
    return " · ".join(text for text in map(str, parts) if text)


def _acts_of(member: Model | None, *more: tuple[str, str, str]) -> tuple[tuple[str, str, str], ...]:
    return ((("members.view_member", gettext("The member"), _page_of(member)),) if member else ()) + more


def _member(row: Any, exact: bool) -> Hit:  # noqa: FBT001  # called by table
    sub = _join(row.number_in_groups, row.user.email, row.get_country_display())
    title = row.full_name or row.user.email
    return Hit(title, sub, _page_of(row), exact, row.level, row.get_level_display())


def _serial(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    jobs = ("servicing.view_ticket", gettext("Its jobs"), f"{reverse(JOBS)}?q={quote(row.serial)}")
    history = f"{reverse('admin:kitbag_registrationevent_changelist')}?q={row.pk}"
    story = ("kitbag.view_registrationevent", gettext("All it went through"), history)
    sub = _join(row.member.full_name, row.get_state_display())
    return Hit(f"{row.product} {row.serial}", sub, _page_of(row), exact, acts=_acts_of(row.member, jobs, story))


def _job(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    customer = row.member.full_name if row.member else row.visitor.name if row.visitor else ""
    sub = _join(customer, row.centre, row.get_state_display())
    return Hit(f"{row.reference_in_groups} {row.product}", sub, _page_of(row), exact, acts=_acts_of(row.member))


def _arrival(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    return Hit(row.reference_in_groups, str(row.centre), reverse("admin:servicing_ticket_parcel", args=[row.pk]), exact)


def _parcel(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    return Hit(row.reference_in_groups, str(row.centre), f"{reverse(JOBS)}?q={row.reference}", exact)


def _case(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    sub = _join(row.reference_in_groups, row.person, row.get_state_display())
    return Hit(row.subject or row.get_kind_display(), sub, _page_of(row), exact, acts=_acts_of(row.member))


def _pack(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    sub = _join(row.member.full_name, row.get_state_display(), row.tracking)
    return Hit(row.reference_in_groups, sub, _page_of(row), exact, acts=_acts_of(row.member))


def _card(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    state = gettext("no longer valid") if row.revoked_at else gettext("valid")
    sub = _join(row.member.full_name, state)
    return Hit(row.number_in_groups, sub, _page_of(row), exact, acts=_acts_of(row.member))


def _request(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    sub = _join(row.member.full_name, row.get_state_display(), row.tracking)
    return Hit(format_reference(row.reference), sub, _page_of(row), exact, acts=_acts_of(row.member))


def _visitor(row: Any, exact: bool) -> Hit:  # noqa: FBT001
    return Hit(row.name, _join(row.card_number, row.region_name), _page_of(row), exact)


HITS: dict[str, Callable[[Any, bool], Hit]] = {
    "members": _member,
    "serials": _serial,
    "arrivals": _arrival,
    "jobs": _job,
    "parcels": _parcel,
    "cases": _case,
    "packs": _pack,
    "cards": _card,
    "requests": _request,
    "visitors": _visitor,
}


def current_part(parts: Sequence[Part], path: str) -> Part | None:
    """The main part whose address the path continues, or that of one of its sub-parts; the index only for itself."""
    index = reverse(INDEX)
    main, best, length = None, None, 0
    for part in parts:
        main = part if part.icon else main
        address = reverse(part.address)
        if path.startswith(address) and len(address) > length and (address != index or path == index):
            best, length = main, len(address)
    return best
