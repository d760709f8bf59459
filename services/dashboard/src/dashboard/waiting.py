"""Why a job waits: who holds the lock, who is ahead in the line, and when the job is likely to start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from coordination.journal.rows import JobRow, LockRow
from dashboard.board.snapshot import LockState
from dashboard.parts.durations import count, duration
from read_models.run_durations import Durations
from read_models.start_estimates import Estimate, Holder, estimate

#: Jobs shown at the front of a long line, and before the job itself.
_FIRST_SHOWN, _LAST_SHOWN = 5, 2


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
    #: The job that runs; of several slots, that of the first one that is held.
    holder: Holder | None
    #: The jobs ahead, next first.
    ahead: Sequence[Waiter]
    #: None when the job is not in the line, or not in the part that was read.
    me: Waiter | None
    #: Jobs in the line, and how many of them were read.
    length: int
    read: int
    #: The jobs that run in the other slots, and how many jobs may run at the same time.
    others: Sequence[Holder] = ()
    limit: int = 1

    @property
    def holders(self) -> list[Holder]:
        """All jobs that run under the lock."""
        return [*([] if self.holder is None else [self.holder]), *self.others]

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
    holder = None if row is None else _holder(row, running)
    waiters = [Waiter(position, job) for position, job in enumerate(tickets, 1)]
    me = next((waiter for waiter in waiters if waiter.job.job_id == job_id), None)
    ahead = waiters[: me.position - 1] if me is not None else waiters
    return WaitingLine(lock, holder, ahead, me, max(len(waiters), length or 0), len(waiters))


def line_in(job_id: str, state: LockState) -> WaitingLine:
    """Return a lock's line as a job sees it, with what runs in each slot."""
    line = line_of(job_id, state.name, state.row, state.line, running=state.running, length=state.waiting)
    found = [holder for slot in state.slots if (holder := _holder(slot.row, slot.running)) is not None]
    return replace(line, holder=next(iter(found), None), others=found[1:], limit=state.limit)


def _holder(row: LockRow, running: JobRow | None) -> Holder | None:
    if not row.job_id:
        return None
    since = datetime.fromisoformat(row.started_at) if row.started_at else None
    known = running if running is not None and running.job_id == row.job_id else None
    return Holder(row.job_id, row.worker, row.fence, since, known)


def start_of(line: WaitingLine, durations: Durations, now: datetime) -> Estimate:
    """Estimate when the job starts; `durations` are those of ended runs under the lock, by kind."""
    if line.me is None or line.limit > 1 or line.others:
        # Which of several running jobs ends first, and how often, the past of one line does not say.
        return Estimate(None)
    return estimate(line.holder, [waiter.job.kind for waiter in line.ahead], durations, now)


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
    if line.limit > 1 or line.others:
        return condition
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
    if line.limit > 1 or line.others:
        return _condition_of_slots(line)
    if not line.ahead:
        return "It starts when the running job has ended."
    jobs = "job" if len(line.ahead) == 1 else f"{len(line.ahead):,} jobs"
    if line.holder is None:
        return f"It starts when the {jobs} ahead {'has' if len(line.ahead) == 1 else 'have'} ended."
    return f"It starts when the running job and the {jobs} ahead have ended."


def _condition_of_slots(line: WaitingLine) -> str:
    running, ahead = len(line.holders), len(line.ahead)
    needed = running + ahead - line.limit + 1
    if needed <= 0:
        return "A slot is free for it: it starts as soon as a worker that knows its kind is free."
    those = f"the {count(running, 'running job')}"
    if ahead:
        those += f" and the {count(ahead, 'job')} ahead"
    ended = "one of them has ended" if needed == 1 else f"{needed:,} of them have ended"
    return f"At most {line.limit:,} jobs run at a time: of {those}, it starts when {ended}."


def _roughly(seconds: float) -> str:
    """Return a duration that does not look more precise than it is."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 90:
        return f"about {round(seconds / 5) * 5} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {duration(round(seconds / 600) * 600)}"
