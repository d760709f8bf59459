"""What each route needs: one table for all of them. A route that is not in it cannot be served."""

from collections.abc import Mapping
from typing import Final

from contracts.access import Scope

#: Open to all: the documentation, which shows nothing of an installation, and the health checks.
PUBLIC: Final = None

#: The scope that a route needs, by the route's name. An alias needs what the route needs that it stands for.
RULES: Mapping[str, Scope | None] = {
    # Jobs.
    "submit_job": Scope.SUBMIT,
    "submit_job_alias": Scope.SUBMIT,
    "submit_jobs": Scope.SUBMIT,
    "list_jobs": Scope.READ,
    "get_job": Scope.READ,
    "get_result": Scope.READ,
    "list_job_events": Scope.READ,
    "list_job_events_alias": Scope.READ,
    "follow_job": Scope.READ,
    "list_events": Scope.READ,
    "list_events_alias": Scope.READ,
    "cancel_job": Scope.CANCEL,
    "retry_job": Scope.RETRY,
    "finalize_job": Scope.FINALIZE,
    "pin_job": Scope.PIN,
    "unpin_job": Scope.PIN,
    # Locks.
    "list_locks": Scope.READ,
    "get_lock": Scope.READ,
    "set_limit": Scope.LIMIT,
    # Workers and other services.
    "list_kinds": Scope.READ,
    "list_workers": Scope.READ_WORKERS,
    "get_worker": Scope.READ_WORKERS,
    "tell_worker": Scope.DRAIN,
    "list_instances": Scope.READ_WORKERS,
    # Schedules.
    "list_schedules": Scope.READ_SCHEDULES,
    "get_schedule": Scope.READ_SCHEDULES,
    "list_schedule_events": Scope.READ_SCHEDULES,
    "put_schedule": Scope.SCHEDULE,
    "delete_schedule": Scope.SCHEDULE,
    "pause_schedule": Scope.SCHEDULE,
    "resume_schedule": Scope.SCHEDULE,
    "run_schedule": Scope.SCHEDULE,
    # Messages.
    "list_quarantined_messages": Scope.READ_MESSAGES,
    # Documentation.
    "to_documentation": PUBLIC,
    "docs": PUBLIC,
}

#: Paths that other applications answer: no handler of the API is behind them.
PUBLIC_PATHS = frozenset({"/openapi.json", "/docs/files", "/health/live", "/health/ready"})


class NoRuleError(LookupError):
    """A route has no rule, so it cannot be served."""

    def __init__(self, route: str) -> None:
        super().__init__(f"no rule says who may use the route {route!r}; add it to publisher.access.rules")


def rule_of(route: str) -> Scope | None:
    """Return the scope that a route needs, or PUBLIC. Raises NoRuleError."""
    try:
        return RULES[route]
    except KeyError:
        raise NoRuleError(route) from None
