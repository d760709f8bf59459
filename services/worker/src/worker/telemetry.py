"""Turns what the protocol observes into log lines, under the names that spans and metrics use."""

import logging
from collections.abc import Mapping
from typing import Any

from contracts.traceparent import trace_id_of
from coordination import observations as seen
from coordination.outcomes import Failed, Interrupted, Outcome, TimedOut
from coordination.rows import JobRow

logger = logging.getLogger("turnstile.worker")

_LINES: Mapping[type[seen.Observation], tuple[int, str]] = {
    seen.LeaseAcquired: (logging.INFO, "lease acquired"),
    seen.LeaseDenied: (logging.DEBUG, "lease denied"),
    seen.LeaseRenewed: (logging.DEBUG, "lease renewed"),
    seen.RenewalFailed: (logging.WARNING, "lease not renewed, trying again"),
    seen.LeaseEnded: (logging.ERROR, "lease lost"),
    seen.LeaseReleased: (logging.INFO, "lease released"),
    seen.RunStarted: (logging.INFO, "run started"),
    seen.RunEnded: (logging.INFO, "run ended"),
    seen.Fenced: (logging.ERROR, "write refused: another holder may have taken over"),
    seen.TablesCutOff: (logging.ERROR, "journal does not answer"),
    seen.BellDeferred: (logging.DEBUG, "doorbell deferred"),
    seen.NotForThisWorker: (logging.WARNING, "next job is of a kind unknown here"),
}


def record(observation: seen.Observation) -> None:
    """Tell of one observation."""
    level, message = _LINES[type(observation)]
    if logger.isEnabledFor(level):
        logger.log(level, message, extra=_extra(observation))


def _extra(observation: seen.Observation) -> dict[str, Any]:
    extra: dict[str, Any] = {}
    for name, value in vars(observation).items():
        match value:
            case JobRow():
                extra |= {
                    "lock": value.lock_name,
                    "job_id": value.job_id,
                    "kind": value.kind,
                    "attempt": value.attempt,
                    "fence": value.fence,
                    "trace_id": trace_id_of(value.traceparent),
                }
            case float():
                extra[name] = round(value, 4)
            case str() | bool() | None:
                extra["lock" if name == "lock_name" else name] = value
            case _:
                extra |= {"outcome": type(value).__name__, "reason": _reason(value)}
    return extra


def _reason(outcome: Outcome) -> str | None:
    match outcome:
        case Failed(error_type, message):
            return f"{error_type}: {message}"
        case Interrupted(reason) | TimedOut(reason):
            return reason
        case _:
            return None
