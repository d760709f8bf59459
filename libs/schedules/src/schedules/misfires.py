"""Which due times get a job, and which are left out because no scheduler was there in time. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from contracts.schedules import Misfire
from schedules.times import Timing

#: Most due times of one schedule that are decided at once; the next look continues behind them.
MOST_AT_ONCE = 20

#: Missed due times that are counted; all further ones count as one more.
MOST_COUNTED = 1000

_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class MisfireRule:
    """What becomes of due times that were missed."""

    rule: Misfire = "once"
    #: Most due times that `all` makes up for.
    limit: int = 10
    #: Seconds after which a due time counts as missed.
    after: float = 60.0

    @property
    def made_up(self) -> int:
        """How many missed due times get a job, at most."""
        return {"skip": 0, "once": 1, "all": self.limit}[self.rule]


@dataclass(frozen=True)
class Plan:
    """What becomes of the due times of a schedule up to now."""

    #: The due times that get a job, in their order.
    fire: Sequence[datetime]
    #: How many get none, at most MOST_COUNTED, and the last of them.
    missed: int
    last_missed: datetime | None
    #: The first due time that is not decided: it may be due, too, when many are. None when none is left.
    next_due: datetime | None


def plan(timing: Timing, due_at: datetime, now: datetime, watched_from: datetime, rule: MisfireRule) -> Plan:
    """Decide about the due times from `due_at`, which has come, up to now.

    None since `watched_from` counts as missed: a scheduler was there, however much it had to do.
    """
    on_time_from = min(now, watched_from) - timedelta(seconds=rule.after)
    missed, last_missed = 0, None
    fire: list[datetime] = []
    first = due_at
    if due_at < on_time_from:
        backwards = islice(timing.back_from(on_time_from - _TICK, due_at - _TICK), rule.made_up)
        # A new edition of the time zones may have moved the due time that was written down.
        fire = list(backwards)[::-1] or [due_at][: rule.made_up]
        left_out = list(islice(_until(timing, due_at, fire[0] if fire else on_time_from), MOST_COUNTED))
        if left_out:
            missed = len(left_out)
            until = (fire[0] if fire else on_time_from) - _TICK
            last_missed = next(timing.back_from(until, due_at - _TICK), due_at)
        later = timing.after(on_time_from - _TICK)
        if later is None:
            return _cut(fire, missed, last_missed, None)
        first = later
    while first <= now and len(fire) <= MOST_AT_ONCE:
        fire.append(first)
        later = timing.after(first)
        if later is None:
            return _cut(fire, missed, last_missed, None)
        first = later
    return _cut(fire, missed, last_missed, first)


def _cut(
    fire: Sequence[datetime], missed: int, last_missed: datetime | None, next_due: datetime | None
) -> Plan:
    if len(fire) > MOST_AT_ONCE:
        next_due = fire[MOST_AT_ONCE]
    return Plan(fire[:MOST_AT_ONCE], missed, last_missed, next_due)


def _until(timing: Timing, first: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the due times from one that is known up to another, which is excluded."""
    at: datetime | None = first
    while at is not None and at < end:
        yield at
        at = timing.after(at)
