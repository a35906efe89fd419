"""When the clock queues which task. Imports no model: beat, which only queues by name, stays small."""

from typing import Any

from celery.schedules import crontab

from cps_portal.settings.queues import OUTBOX_SWEEP_SECONDS, QUEUES

TICK_SECONDS, TICK_EXPIRES_SECONDS = 15.0, 60
HELD_SWEEP_SECONDS = 2.0  # how much later than promised a decision of staff is applied

SCHEDULE: dict[str, dict[str, Any]] = {
    # A tick that nobody takes expires: a worker that comes back has to do the next one, not hundreds.
    **{
        f"system-tick-{queue}": {
            "task": "system.tick",
            "args": (queue,),
            "schedule": TICK_SECONDS,
            "options": {"queue": queue, "expires": TICK_EXPIRES_SECONDS},
        }
        for queue in QUEUES
    },
    "outbox-sweep": {
        "task": "outbox.sweep",
        "schedule": OUTBOX_SWEEP_SECONDS,
        "options": {"expires": TICK_EXPIRES_SECONDS},
    },
    "outbox-blank-old": {"task": "outbox.blank_old", "schedule": crontab(hour="2", minute="30")},
    "partners-write-calls": {"task": "partners.write_calls", "schedule": 30.0},
    "partners-watch-endpoints": {"task": "partners.watch_endpoints", "schedule": crontab(minute="35")},
    "files-sweep-orphans": {"task": "files.sweep_orphans", "schedule": crontab(minute="45")},
    "kitbag-apply-due-decisions": {
        "task": "kitbag.apply_due_decisions",
        "schedule": HELD_SWEEP_SECONDS,
        "options": {"expires": TICK_EXPIRES_SECONDS},
    },
    "kitbag-sweep-undecided": {"task": "kitbag.sweep_undecided", "schedule": 60.0},
    "kitbag-write-missed-searches": {"task": "kitbag.write_missed_searches", "schedule": 60.0},
    "kitbag-match-sales": {"task": "kitbag.match_sales", "schedule": 120.0},
    "kitbag-apply-due-changes": {"task": "kitbag.apply_due_changes", "schedule": 60.0},
    "kitbag-announce-changes": {"task": "kitbag.announce_changes", "schedule": 60.0},
    "kitbag-plan-service-ends": {"task": "kitbag.plan_service_ends", "schedule": crontab(hour="3", minute="10")},
    "kitbag-end-adjustments": {"task": "kitbag.end_adjustments", "schedule": crontab(minute="15")},
    "kitbag-forget-owner-details": {
        "task": "kitbag.forget_owner_details",
        "schedule": crontab(hour="3", minute="50"),
    },
    "kitbag-check-ledger": {"task": "kitbag.check_ledger", "schedule": crontab(hour="3", minute="40")},
    "portal-erase-closed": {"task": "portal.erase_closed", "schedule": crontab(hour="4", minute="20")},
    "portal-count-programme": {"task": "portal.count_programme", "schedule": 300.0, "options": {"expires": 300}},
    "portal-delete-expired": {
        "task": "portal.delete_expired",
        "schedule": crontab(hour="2", minute="40"),
        "kwargs": {"hourly": False},
    },
    "portal-delete-expired-hourly": {
        "task": "portal.delete_expired",
        "schedule": crontab(minute="55"),
        "kwargs": {"hourly": True},
    },
    # Each member gets one a month. Days 6 and 7 retry what the broker lost on day 5; nobody gets a second one.
    "kitbag-remind": {"task": "kitbag.remind", "schedule": crontab(day_of_month="5-7", hour="8", minute="20")},
    "servicing-forget-visitors": {"task": "servicing.forget_visitors", "schedule": crontab(minute="50", hour="3")},
    "servicing-delete-old-addresses": {
        "task": "servicing.delete_old_addresses",
        "schedule": crontab(minute="40", hour="3"),
    },
    "servicing-mail-unanswered": {"task": "servicing.mail_unanswered", "schedule": 600.0},
    "servicing-lapse-reservations": {"task": "servicing.lapse_reservations", "schedule": crontab(minute="25")},
    "servicing-remind-of-loans": {"task": "servicing.remind_of_loans", "schedule": crontab(hour="7", minute="30")},
    "offers-send-news": {"task": "offers.send_news", "schedule": 600.0},
    "offers-send-pending-requests": {"task": "offers.send_pending_requests", "schedule": 300.0},
    "offers-open-late-cases": {"task": "offers.open_late_cases", "schedule": crontab(minute="35")},
    "cases-close-quiet": {"task": "cases.close_quiet", "schedule": crontab(minute="45")},
    "offers-delete-old-addresses": {"task": "offers.delete_old_addresses", "schedule": crontab(hour="2", minute="50")},
    "servicing-flag-overdue": {"task": "servicing.flag_overdue", "schedule": 60.0},
    "servicing-follow-calendars": {"task": "servicing.follow_calendars", "schedule": 60.0},
    "servicing-check-holidays": {"task": "servicing.check_holidays", "schedule": crontab(hour="6", minute="15")},
    "servicing-sweep-validations": {"task": "servicing.sweep_validations", "schedule": 300.0},
    "servicing-sweep-homes": {"task": "servicing.sweep_homes", "schedule": 300.0},
    "servicing-lapse-places": {"task": "servicing.lapse_places", "schedule": crontab(minute="20")},
    "servicing-expire-estimates": {"task": "servicing.expire_estimates", "schedule": crontab(minute="5")},
    "members-notify-level-changes": {"task": "members.notify_level_changes", "schedule": 60.0},
    "members-apply-thresholds": {"task": "members.apply_thresholds", "schedule": 60.0},
    "members-announce-thresholds": {"task": "members.announce_thresholds", "schedule": 60.0},
    "members-apply-countries": {"task": "members.apply_countries", "schedule": 60.0},
    "members-announce-countries": {"task": "members.announce_countries", "schedule": 60.0},
}
