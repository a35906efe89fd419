"""The actions of the sandbox, gathered for its API and its command."""

from cps_portal.sandbox.actions.clock import MAX_DAYS, age_partner, run_sweeps
from cps_portal.sandbox.actions.samples import make_anew
from cps_portal.sandbox.actions.triggers import trigger_event

__all__ = ["MAX_DAYS", "age_partner", "make_anew", "run_sweeps", "trigger_event"]
