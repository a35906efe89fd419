"""What each group of staff may do (R54): the one place where these rights are decided.

`set_group_permissions` makes the groups exactly what this table says after every `migrate`; they cannot be edited in
the admin. Superusers need no group.
"""

from collections.abc import Iterator
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps


def allow(actions: str, app: str, models: str) -> Iterator[str]:
    """Names of Django's own permissions: every action on every model, both separated by blanks."""
    return (f"{app}.{action}_{model}" for model in models.split() for action in actions.split())


GROUPS: dict[str, list[str]] = {
    "Support": [
        *allow(
            "view",
            "members",
            "countryplan countryprogramme levelbenefit levelchange levelthreshold memberevent memberview notice "
            "staffaccess termsacceptance termsversion thresholdannouncement thresholdplan ",
        ),
        *allow("view", "members", "accountfreeze accountmerge accountmergeevent lostaddress lostaddressevent"),
        "members.change_lost_address",
        "members.merge_accounts",
        "members.export_lists",
        "members.export_trail",
        "members.view_as_member",
        *allow("view change close", "members", "member"),
        *allow("view add change", "members", "membernote"),
        *allow("view", "cases", "case caseevent casemessage casereader"),
        *allow("view add change delete", "cases", "cannedanswer"),
        "cases.answer_case",
        *allow("view", "offers", "cardevent cardrequest offer packevent packitem signup"),
        *allow("view change", "offers", "card welcomepack"),
        *allow(
            "view",
            "kitbag",
            "adjustment adjustmentevent announcement appeal appealevent authorisedperiod claim claimevent "
            "sighting handover handoverevent helddecision hold ledgercheck pointsentry product productname "
            "registration registrationevent retailer sale serialchange serialchangeevent serialshape stagechange "
            "stolenreportevent ",
        ),
        *allow("view add", "kitbag", "stolenreport"),
        "kitbag.adjust_points",
        "kitbag.decide_claim",
        "kitbag.decide_registration",
        "kitbag.lift_stolenreport",
        *allow(
            "view",
            "servicing",
            "cardrule carrier estimate estimatedraft estimatehistoryevent estimateline packedticket parcel part "
            "readyset readysetline servicecentre servicereport servicereporthistoryevent shipment ticket ticketevent "
            "ticketfile tickethistoryevent ticketmessage ticketnote visitingmember ",
        ),
        *allow("view change", "servicing", "loan"),
        *allow("view add change", "servicing", "loanunit"),
        "servicing.view_every_ticket",
        "servicing.work_on_ticket",
        *allow("view", "partners", "apicall attempt credential idempotencyrecord partner webhookendpoint"),
        "partners.operate_webhookendpoint",
        *allow("view", "outbox", "message suppression"),
    ],
    "Programme": [
        *allow(
            "view",
            "members",
            "countryplan countryplanevent countryprogrammeevent levelbenefitevent levelchange levelthreshold "
            "levelthresholdevent member "
            "thresholdannouncement thresholdplan thresholdplanevent ",
        ),
        "members.export_lists",
        *allow("view add change", "members", "countryprogramme levelbenefit termsversion"),
        "members.plan_thresholds",
        "members.plan_countries",
        *allow("view add change delete", "cases", "cannedanswer"),
        *allow("view", "offers", "offerevent signup"),
        *allow("view add change", "offers", "offer packitem"),
        *allow(
            "view",
            "kitbag",
            "adjustment announcement authorisedperiodevent catalogueproposal ledgercheck missedsearch pointsentry "
            "productevent registration retailerevent sale stagechange stagechangeevent ",
        ),
        *allow("view change", "kitbag", "product"),
        *allow("view add change", "kitbag", "retailer serialshape"),
        *allow("view add change delete", "kitbag", "authorisedperiod productname"),
        "kitbag.load_sale",
        "kitbag.plan_stagechange",
        "kitbag.view_programme_numbers",
        *allow("view", "system", "tick"),
        *allow("view", "servicing", "loan servicecentreevent ticket"),
        *allow("view add change", "servicing", "cardrule carrier loanunit servicecentre warrantyperiod"),
        *allow("view add change delete", "servicing", "calendarexception centrestaff readyset readysetline"),
        *allow("view change", "servicing", "estimatedholiday"),
        "servicing.view_every_ticket",
        *allow(
            "view",
            "partners",
            "apicall attempt credentialevent endpointsecretevent idempotencyrecord partnerevent webhookendpointevent ",
        ),
        *allow("view add change", "partners", "credential partner webhookendpoint"),
        "partners.issue_credential",
        "partners.operate_webhookendpoint",
    ],
    "Centre": [
        "members.export_lists",
        *allow("view", "servicing", "cardrule servicecentre ticket visitingmember"),
        *allow("view change", "servicing", "loan"),
        *allow("view add change", "servicing", "loanunit"),
        *allow("view add change delete", "servicing", "readyset readysetline"),
        "servicing.work_on_ticket",
    ],
}


def set_group_permissions(*, apps: Apps = installed, **_signal: Any) -> None:
    """Give each group exactly the permissions of GROUPS. Raises LookupError for one that no model declares.

    Connected to the `post_migrate` of the last app: permissions are created app by app, so the earlier signals would
    find only some of them. A flush of the database sends the signal again.
    """
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    permissions = {
        f"{permission.content_type.app_label}.{permission.codename}": permission
        for permission in permission_model.objects.select_related("content_type")
    }
    for name, allowed in GROUPS.items():
        if unknown := set(allowed) - set(permissions):
            raise LookupError(f"The group {name} names permissions that no model declares: {sorted(unknown)}")
        group, _created = group_model.objects.get_or_create(name=name)
        group.permissions.set([permissions[permission] for permission in allowed])
