"""What the protocol observes, as log lines, under the names that spans and metrics use."""

import logging
from collections.abc import Mapping
from typing import Any

from contracts.telemetry import attributes as at
from contracts.telemetry.names import Attribute
from contracts.traceparent import trace_id_of
from coordination import observations as seen
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed, Failed, Interrupted, Lost, TimedOut
from worker.telemetry.endings import ending_of

logger = logging.getLogger("turnstile.worker")

_LINES: Mapping[type[seen.Observation], tuple[int, str]] = {
    seen.LeaseAcquired: (logging.INFO, "lease acquired"),
    seen.LeaseDenied: (logging.DEBUG, "lease denied"),
    seen.LeaseRenewed: (logging.DEBUG, "lease renewed"),
    seen.RenewalFailed: (logging.WARNING, "lease renewal failed, retrying"),
    seen.LeaseEnded: (logging.ERROR, "lease lost"),
    seen.LeaseReleased: (logging.INFO, "lease released"),
    seen.LockLeft: (logging.DEBUG, "lock released"),
    seen.RunStarted: (logging.INFO, "run started"),
    seen.RunCutOff: (logging.WARNING, "run interrupted: worker lost"),
    seen.RunEnded: (logging.INFO, "run ended"),
    seen.StepRecorded: (logging.DEBUG, "step recorded"),
    seen.StateSaved: (logging.DEBUG, "state saved"),
    seen.ProgressWritten: (logging.DEBUG, "progress written"),
    seen.Fenced: (logging.ERROR, "write refused: another worker may have taken over"),
    seen.TablesCutOff: (logging.ERROR, "journal does not answer"),
    seen.WakeUpDeferred: (logging.DEBUG, "wake-up deferred"),
    seen.NotForThisWorker: (logging.WARNING, "this worker does not know the kind of the next job"),
}

#: What an observation's fields are called; others are left out or added by `_extra`.
_NAMES: Mapping[str, Attribute] = {
    "lock_name": at.LOCK_NAME,
    "job_id": at.JOB_ID,
    "kind": at.JOB_KIND,
    "name": at.JOB_STEP,
    "margin": at.LEASE_MARGIN,
    "characters": at.JOB_STATE_SIZE,
    "reason": at.REASON,
    "refusal": at.WRITE_REFUSAL,
}


def write(observation: seen.Observation) -> None:
    """Write the line for an observation."""
    level, message = _LINES[type(observation)]
    if isinstance(observation, seen.RunEnded) and not isinstance(observation.outcome, Completed):
        # What is looked for among warnings and errors.
        level = logging.WARNING
    if logger.isEnabledFor(level):
        logger.log(level, message, extra=_extra(observation))


def _extra(observation: seen.Observation) -> dict[str, Any]:
    facts = vars(observation)
    extra: dict[str, Any] = _about(facts["job"]) if "job" in facts else {}
    extra |= {
        _NAMES[field]: round(value, 4) if isinstance(value, float) else value
        for field, value in facts.items()
        if field in _NAMES
    }
    match observation:
        case seen.RunEnded(job, outcome) if not isinstance(outcome, Lost):
            extra[at.JOB_OUTCOME] = ending_of(outcome, job).outcome
            if isinstance(outcome, Failed | Interrupted | TimedOut):
                extra[at.REASON] = ending_of(outcome, job).reason
            if isinstance(outcome, Failed):
                extra[at.ERROR_TYPE] = outcome.type
        case seen.RunCutOff(_, lost_worker):
            extra[at.WORKER_NAME] = lost_worker
        case seen.RunStarted(_, seen.HandOver(cause)):
            name = at.HAND_OVER_CAUSE if cause.value in at.HAND_OVER_CAUSE.values else at.TAKE_OVER_CAUSE
            extra[name] = cause.value
    return extra


def _about(job: JobRow) -> dict[str, Any]:
    return {
        at.LOCK_NAME: job.lock_name,
        at.JOB_ID: job.job_id,
        at.JOB_KIND: job.kind,
        at.JOB_ATTEMPT: job.attempt,
        at.LOCK_FENCE: job.fence,
        at.TRACE_ID: trace_id_of(job.traceparent),
    }
