"""No form is forgotten: each has a token beside its CSRF token, or a reason why it needs none (R71)."""

import re
from pathlib import Path

from django.conf import settings

from tests.rows import each_row

ROOT = Path(settings.BASE_DIR) / "templates"
CSRF = re.compile(r"\{% csrf_token %\}\s*(\{% (?:once|keep_typed) %\})?")
PASSWORD = "asks for a password, a code or a key: those are never kept"
STATE = "sets something to a state: twice is the same as once, and nothing is typed"
SECRET = "shows a secret once, which nobody may keep; the newest is the one that works"
READ = "changes nothing"
SEEN = "carries what the person saw, and a second press is refused by it"
WITHOUT: dict[str, tuple[int, str]] = {  # how many forms of a template have no token, and why
    "account/_form.html": (1, PASSWORD),
    "account/_sign_out_of_stage.html": (1, STATE),
    "account/email_change.html": (2, STATE),
    "account/email_confirm.html": (1, STATE),
    "account/login.html": (2, PASSWORD),
    "account/logout.html": (1, STATE),
    "members/_devices.html": (2, STATE),
    "members/stop_account.html": (1, STATE),
    "mfa/authenticate.html": (1, PASSWORD),
    "mfa/totp/activate_form.html": (1, PASSWORD),
    "mfa/webauthn/add_form.html": (1, PASSWORD),
    "mfa/webauthn/reauthenticate.html": (1, PASSWORD),
    "components/_languages.html": (1, STATE),
    "components/app_bar.html": (3, STATE),
    "components/kept_form.html": (1, STATE),
    "cases/case.html": (1, STATE),
    "kitbag/_evidence.html": (1, STATE),
    "kitbag/_photo_form.html": (1, STATE),
    "kitbag/group.html": (1, STATE),
    "kitbag/_ownership.html": (2, STATE),
    "kitbag/_product.html": (1, STATE),
    "kitbag/_often_added.html": (1, SEEN),
    "kitbag/_search_results.html": (1, SEEN),
    "kitbag/_tray.html": (1, STATE),
    "kitbag/release.html": (2, SECRET),
    "members/close_account.html": (1, PASSWORD),
    "members/closing.html": (3, STATE),
    "members/my_data.html": (1, READ),
    "members/notifications.html": (1, STATE),
    "members/profile.html": (1, STATE),
    "members/terms.html": (2, STATE),
    "offers/offer.html": (1, STATE),
    "offers/pack_status.html": (1, STATE),
    "portal/_confirm.html": (1, STATE),
    "portal/_mail_trouble.html": (1, STATE),
    "portal/_passkey.html": (1, STATE),
    "servicing/_facts.html": (1, STATE),
    "servicing/_parcels.html": (1, STATE),
    "servicing/_same_fault.html": (1, STATE),
    "servicing/_waiting_for_place.html": (1, STATE),
    "servicing/list.html": (1, STATE),
    "servicing/_parcel_changes.html": (1, STATE),
    "admin/cases/case/_customer.html": (1, STATE),
    "admin/by_file.html": (2, SEEN),  # one of them changes nothing: it downloads
    "admin/cases/case/_head.html": (2, STATE),
    "admin/cases/case/inbox.html": (2, STATE),  # one of them changes nothing: it downloads
    "cases/rate.html": (1, STATE),
    "admin/desk/_bar.html": (1, STATE),
    "admin/desk/_keys.html": (1, STATE),
    "admin/desk/_viewing.html": (1, STATE),
    "admin/desk/view_as.html": (1, STATE),
    "admin/change_list.html": (2, STATE),
    "admin/kitbag/claims/_item.html": (1, STATE),
    "admin/kitbag/registration/_item.html": (2, SEEN),
    "admin/kitbag/adjustment/end.html": (1, STATE),
    "admin/kitbag/planning/cancel.html": (1, STATE),
    "admin/kitbag/planning/load.html": (1, READ),
    "admin/kitbag/registration/_toast.html": (2, SEEN),
    "admin/index.html": (1, STATE),  # as on the queue
    "admin/kitbag/registration/queue.html": (1, STATE),
    "admin/kitbag/registration/sheet.html": (2, SEEN),
    "admin/kitbag/serialshape/try.html": (1, READ),
    "admin/kitbag/thresholds/cancel.html": (1, STATE),
    "admin/members/countryplan/cancel.html": (1, STATE),
    "admin/offers/card/change_form.html": (1, STATE),
    "admin/offers/offer/change_form.html": (1, STATE),
    "admin/offers/welcomepack/by_file.html": (2, SEEN),
    "admin/offers/welcomepack/change_form.html": (2, STATE),
    "admin/partners/credential/revoke.html": (1, STATE),
    "admin/partners/credential/rotate.html": (1, SECRET),
    "admin/partners/webhookendpoint/change_form.html": (4, STATE),
    "admin/servicing/ticket/_conversation.html": (1, STATE),
    "admin/servicing/ticket/_who_works.html": (2, STATE),
    "admin/servicing/ticket/intake.html": (1, READ),
    "admin/servicing/loan/desk.html": (1, READ),
}


def forms_of(path: Path) -> list[str]:
    """For each form of a template its token, "" for none."""
    return CSRF.findall(path.read_text())


def test_every_form_has_a_token_or_a_reason() -> None:
    without = {}
    for path in sorted(ROOT.rglob("*.html")):
        if number := forms_of(path).count(""):
            without[str(path.relative_to(ROOT))] = number
    assert without == {name: number for name, (number, _reason) in WITHOUT.items()}, "add {% once %} beside csrf_token"


def test_every_form_that_posts_has_a_csrf_token() -> None:
    """The walk above finds forms by it."""
    wrong = []
    for path in sorted(ROOT.rglob("*.html")):
        text = path.read_text()
        posts = len(re.findall(r"<form\b[^>]*method=[\"']post", text))
        if posts > text.count("{% csrf_token %}") and path.name not in (
            "503.html",
            "507.html",  # both send the same fields once more
            "unsubscribe.html",  # its address is the proof: mail services send it without a cookie (RFC 8058)
        ):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


@each_row(
    ("template", "tokens"),
    [
        ("cases/contact.html", ["once"]),
        ("cases/case.html", ["once", ""]),
        ("kitbag/appeal.html", ["once"]),
        ("kitbag/stolen.html", ["once"]),
        ("kitbag/redeem.html", ["once", "once"]),
        ("kitbag/_finish_form.html", ["keep_typed"]),
        ("offers/_address_form.html", ["once"]),
        ("offers/pack_review.html", ["once"]),
        ("offers/card_lost.html", ["once"]),
        ("offers/offer.html", ["", "once"]),
        ("offers/pack_status.html", ["", "once"]),
        ("servicing/_new_base.html", ["once"]),
        ("servicing/_estimate.html", ["once"]),
        ("servicing/_loan.html", ["once"]),
        ("servicing/ticket.html", ["once"]),
        ("account/signup.html", ["once"]),
        ("admin/kitbag/adjustment/give.html", ["once"]),
        ("admin/cases/case/_reply.html", ["once"]),
        ("admin/cases/case/_head.html", ["keep_typed", "", ""]),
    ],
)
def test_what_creates_something_takes_effect_once(template: str, tokens: list[str]) -> None:
    assert [token.strip("{% }") for token in forms_of(ROOT / template)] == tokens
