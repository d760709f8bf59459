"""Turns what the protocol observes into log lines, under the names that spans and metrics use."""

import logging

from coordination import observations as seen
from coordination.outcomes import Failed, Interrupted, TimedOut

logger = logging.getLogger("turnstile.worker")


def record(observation: seen.Observation) -> None:
    """Tell of one observation."""
    match observation:
        case seen.LeaseAcquired(lock_name, seconds):
            logger.info("lease acquired", extra={"lock": lock_name, "seconds": round(seconds, 4)})
        case seen.LeaseDenied(lock_name):
            logger.debug("lease denied", extra={"lock": lock_name})
        case seen.LeaseRenewed(lock_name, margin):
            logger.debug("lease renewed", extra={"lock": lock_name, "lease.margin": round(margin, 3)})
        case seen.RenewalFailed(lock_name, reason):
            logger.warning("lease not renewed, trying again", extra={"lock": lock_name, "reason": reason})
        case seen.LeaseEnded(lock_name, reason):
            logger.error("lease lost", extra={"lock": lock_name, "reason": reason})
        case seen.LeaseReleased(lock_name):
            logger.info("lease released", extra={"lock": lock_name})
        case seen.RunStarted(job, interrupted, chained):
            extra = {"kind": job.kind, "chained": chained, "interrupted": interrupted}
            logger.info("run started", extra=_run(observation) | extra)
        case seen.RunEnded(job, outcome):
            reason = _reason(outcome)
            extra = {"kind": job.kind, "outcome": type(outcome).__name__, "reason": reason}
            logger.info("run ended", extra=_run(observation) | extra)
        case seen.Fenced(lock_name, job_id, reason):
            extra = {"lock": lock_name, "job_id": job_id, "reason": reason}
            logger.error("write refused: another holder may have taken over", extra=extra)
        case seen.TablesCutOff(lock_name):
            logger.error("journal does not answer", extra={"lock": lock_name})
        case seen.BellDeferred(lock_name):
            logger.debug("doorbell deferred", extra={"lock": lock_name})
        case seen.NotForThisWorker(lock_name, kind):
            logger.warning("next job is of an unknown kind", extra={"lock": lock_name, "kind": kind})


def _run(observation: seen.RunStarted | seen.RunEnded) -> dict[str, object]:
    job = observation.job
    return {
        "lock": job.lock_name,
        "job_id": job.job_id,
        "attempt": job.attempt,
        "fence": job.fence,
        "traceparent": job.traceparent,
    }


def _reason(outcome: object) -> str | None:
    match outcome:
        case Failed(error_type, message):
            return f"{error_type}: {message}"
        case Interrupted(reason) | TimedOut(reason):
            return reason
        case _:
            return None
