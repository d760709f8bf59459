"""Why a job waits: who holds the lock, who is ahead in the line, and when the job is likely to start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from statistics import median

from coordination.journal.rows import JobRow, LockRow
from dashboard.parts.durations import count, duration

#: Jobs shown at the front of a long line, and before the job itself.
_FIRST_SHOWN, _LAST_SHOWN = 5, 2

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
class Waiter:
    """A job in the line, with its position from 1."""

    position: int
    job: JobRow


@dataclass(frozen=True)
class Gap:
    """Jobs of the line that are not shown."""

    count: int


@dataclass(frozen=True)
class WaitingLine:
    """The line of a lock as one job in it sees it."""

    lock: str
    holder: Holder | None
    #: The jobs ahead, next first.
    ahead: Sequence[Waiter]
    #: None when the job is not in the line, or not in the part that was read.
    me: Waiter | None
    #: Jobs in the line, and how many of them were read.
    length: int
    read: int

    @property
    def shown(self) -> list[Waiter | Gap]:
        """The jobs ahead, without those in the middle of a long line."""
        if len(self.ahead) <= _FIRST_SHOWN + _LAST_SHOWN + 1:
            return list(self.ahead)
        hidden = len(self.ahead) - _FIRST_SHOWN - _LAST_SHOWN
        return [*self.ahead[:_FIRST_SHOWN], Gap(hidden), *self.ahead[-_LAST_SHOWN:]]


def line_of(
    job_id: str,
    lock: str,
    row: LockRow | None,
    tickets: Sequence[JobRow],
    *,
    running: JobRow | None = None,
    length: int | None = None,
) -> WaitingLine:
    """Return a lock's line as a job sees it, from the lock row and the first tickets in their order.

    `running` is the job that runs, as far as it is known; `length` is how many wait, if not all are given.
    """
    holder = None
    if row is not None and row.job_id:
        since = datetime.fromisoformat(row.started_at) if row.started_at else None
        known = running if running is not None and running.job_id == row.job_id else None
        holder = Holder(row.job_id, row.worker, row.fence, since, known)
    waiters = [Waiter(position, job) for position, job in enumerate(tickets, 1)]
    me = next((waiter for waiter in waiters if waiter.job.job_id == job_id), None)
    ahead = waiters[: me.position - 1] if me is not None else waiters
    return WaitingLine(lock, holder, ahead, me, max(len(waiters), length or 0), len(waiters))


@dataclass(frozen=True)
class Estimate:
    """When a job is likely to start, or why that is unknown."""

    #: None when it is unknown.
    seconds: float | None
    #: Number of ended runs that it is estimated from.
    runs: int = 0
    #: Kinds of which too few runs have ended.
    unknown_kinds: Sequence[str] = field(default=())


def estimate(line: WaitingLine, durations: Mapping[str, Sequence[float]], now: datetime) -> Estimate:
    """Estimate when the job starts; `durations` are those of ended runs under the lock, by kind."""
    used, unknown = set[str](), set[str]()

    def typical(kind: str) -> float | None:
        known = durations.get(kind, ())
        if len(known) < FEWEST_RUNS:
            unknown.add(kind)
            return None
        used.add(kind)
        return median(known)

    parts = [typical(waiter.job.kind) for waiter in line.ahead]
    if line.holder is not None:
        parts.insert(0, _left_of_holder(line.holder, typical, now))
    known_parts = [part for part in parts if part is not None]
    if line.me is None or len(known_parts) < len(parts):
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
    return None if usual is None else max(0.0, usual - elapsed)


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


def start_sentence(line: WaitingLine, when: Estimate) -> str:
    """Return one sentence that says when the job is likely to start, and from what that is known."""
    if line.me is None:
        behind = f" It is not among the first {line.read:,}." if line.read < line.length else ""
        return f"Its position in the line is not known now.{behind}"
    if line.holder is None and not line.ahead:
        return (
            "It is next, and no job runs under this lock: "
            "it starts as soon as a worker that knows its kind is free."
        )
    condition = _condition(line)
    if when.seconds is not None and when.runs:
        basis = f"from {count(when.runs, 'past run')} of the same kinds under this lock"
        return f"{condition} That is in {_roughly(when.seconds)}, {basis}."
    if when.seconds is not None:
        return f"{condition} That is in {_roughly(when.seconds)}, at the present pace."
    if when.unknown_kinds:
        kinds = ", ".join(when.unknown_kinds)
        return (
            f"{condition} When that is, is unknown: too few jobs of kind {kinds} have ended under this lock."
        )
    return f"{condition} When that is, is unknown."


def _condition(line: WaitingLine) -> str:
    if not line.ahead:
        return "It starts when the running job has ended."
    jobs = "job" if len(line.ahead) == 1 else f"{len(line.ahead):,} jobs"
    if line.holder is None:
        return f"It starts when the {jobs} ahead {'has' if len(line.ahead) == 1 else 'have'} ended."
    return f"It starts when the running job and the {jobs} ahead have ended."


def _roughly(seconds: float) -> str:
    """Return a duration that does not look more precise than it is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {duration(round(seconds / 600) * 600)}"
