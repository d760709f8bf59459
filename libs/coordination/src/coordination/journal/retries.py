"""Whether a failed attempt is followed by another, and when: decided by the job's row and the error."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from functools import lru_cache

from contracts.policies import LONGEST_DELAY, RetryPolicy
from coordination.journal.rows import JobRow
from coordination.outcomes import Failed, TimedOut

#: What an attempt that exceeds its timeout counts as.
_TIMED_OUT: Sequence[str] = [
    f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.") for kind in TimeoutError.__mro__[:-1]
]

#: Doublings of a delay; no delay is longer afterwards.
_MOST_DOUBLINGS = 60


@dataclass(frozen=True)
class TryAgain:
    """The job goes back into its line, and is due after so many seconds."""

    seconds: float
    #: Why after so many.
    reason: str


def policy_as_text(policy: RetryPolicy | None) -> str | None:
    """Return a policy as a job's row has it."""
    return None if policy is None else json.dumps(asdict(policy), separators=(",", ":"))


@lru_cache(maxsize=256)
def policy_from_text(text: str) -> RetryPolicy:
    """Read the policy of a job's row; what a later release has added is left out."""
    known = {field.name for field in fields(RetryPolicy)}
    read = {name: value for name, value in json.loads(text).items() if name in known}
    return RetryPolicy(**{**read, "except_for": tuple(read.get("except_for", ()))})


def next_attempt(job: JobRow, outcome: Failed | TimedOut) -> TryAgain | None:
    """Return when a job is tried again after an attempt with this outcome; None when it ends with it.

    It ends without a policy, after its last attempt, when its cancellation was requested, and after an error
    that its policy excludes, unless the handler itself asked for another attempt.
    """
    if not job.retry or job.cancel_requested:
        return None
    policy = policy_from_text(job.retry)
    if (job.retries or 0) + 1 >= policy.attempts:
        return None
    classes = outcome.error_classes if isinstance(outcome, Failed) else _TIMED_OUT
    if not classes:
        return None
    if isinstance(outcome, Failed) and outcome.retry_after is not None:
        return TryAgain(min(max(outcome.retry_after, 0.0), LONGEST_DELAY), "asked for by the handler")
    if set(classes) & set(policy.except_for):
        return None
    return TryAgain(_delay(job, policy), f"{policy.backoff} delay of its kind")


def _delay(job: JobRow, policy: RetryPolicy) -> float:
    doublings = min(job.retries or 0, _MOST_DOUBLINGS) if policy.backoff == "exponential" else 0
    delay = min(policy.delay * 2.0**doublings, policy.longest_delay)
    # From the row, not by chance: each worker that repeats the write decides alike.
    digest = hashlib.sha256(f"{job.job_id}|{job.retries or 0}".encode()).digest()
    return delay * (1 + policy.jitter * int.from_bytes(digest[:4]) / 2**32)
