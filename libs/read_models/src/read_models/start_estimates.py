"""When a job that waits is likely to start: from the pace of the running job, and from runs of the past."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from coordination.journal.rows import JobRow
from read_models.run_durations import Durations

#: Ended jobs of a kind below which their durations say nothing about the next one.
FEWEST_RUNS = 3

#: How much of a run must be over before its pace is taken to continue.
_FEWEST_SECONDS, _LEAST_SHARE = 60.0, 0.05


#: Returns how long jobs of a kind usually run; None when too few have ended.
_Typical = Callable[[str], float | None]


@dataclass(frozen=True)
class Holder:
    """The job that runs now under the lock."""

    job_id: str
    worker: str
    fence: int
    since: datetime | None
    #: None when it could not be read.
    job: JobRow | None = None


@dataclass(frozen=True)
class Estimate:
    """When a job is likely to start, or why that is unknown."""

    #: None when it is unknown.
    seconds: float | None
    #: Number of ended runs that it is estimated from.
    runs: int = 0
    #: Kinds of which too few runs have ended.
    unknown_kinds: Sequence[str] = field(default=())


def estimate(holder: Holder | None, ahead: Iterable[str], durations: Durations, now: datetime) -> Estimate:
    """Estimate when a job starts behind the one that runs, and behind others of these kinds.

    `durations` are those of ended runs under the lock, by kind.
    """
    used, unknown = set[str](), set[str]()

    def typical(kind: str) -> float | None:
        known = durations.get(kind, ())
        if len(known) < FEWEST_RUNS:
            unknown.add(kind)
            return None
        used.add(kind)
        return median(known)

    parts = [typical(kind) for kind in ahead]
    if holder is not None:
        parts.insert(0, _left_of_holder(holder, typical, now))
    known_parts = [part for part in parts if part is not None]
    if len(known_parts) < len(parts):
        return Estimate(None, 0, tuple(sorted(unknown)))
    return Estimate(sum(known_parts), sum(len(durations[kind]) for kind in used))


def _left_of_holder(holder: Holder, typical: _Typical, now: datetime) -> float | None:
    if holder.job is None or holder.since is None:
        return None
    elapsed = max(0.0, (now - holder.since).total_seconds())
    left = left_at_this_pace(holder.job, elapsed)
    if left is not None:
        return left
    usual = typical(holder.job.kind)
    # How long a run still takes that has taken longer than usual, past runs do not say.
    return None if usual is None or elapsed > usual else usual - elapsed


def left_at_this_pace(job: JobRow, elapsed: float) -> float | None:
    """Return the seconds until a job is done if it continues at this pace; None while the pace says nothing.

    A run that continues from saved state has a share done at its start; only a first attempt has a pace.
    """
    if job.progress_value is None or not job.progress_limit or job.attempt > 1:
        return None
    share = job.progress_value / job.progress_limit
    if elapsed < _FEWEST_SECONDS or not _LEAST_SHARE <= share <= 1:
        return None
    return elapsed * (1 - share) / share
