"""What ended and how long jobs waited, by minutes, added up from events as they pass."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.jobs import Event
from contracts.statuses import EventStatus
from verification.quantiles import nearest_rank

_MINUTE = timedelta(minutes=1)

#: How far back minutes are kept.
KEPT = timedelta(hours=3)

#: Waits kept of a minute; a busier one is described by its first ones.
_MOST_WAITS = 500

#: Jobs of which it is remembered since when they wait.
_MOST_WAITING = 50_000

#: Events of these last minutes are told apart; what comes later belongs to a minute that is closed.
_OPEN = timedelta(minutes=3)


@dataclass
class Minute:
    """One minute."""

    begins: datetime
    #: Ends of jobs by status.
    ended: dict[EventStatus, int] = field(default_factory=dict)
    #: Seconds that jobs waited that started in it.
    waits: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Statistics:
    """Minutes, oldest first, from `since` on."""

    since: datetime | None = None
    minutes: Sequence[Minute] = ()

    def ended(self, after: datetime) -> int:
        """Return how many jobs ended after a moment, in whole minutes."""
        return sum(sum(minute.ended.values()) for minute in self.minutes if minute.begins >= after)

    def waits(self, after: datetime) -> list[float]:
        """Return how long jobs waited that started after a moment, sorted."""
        return sorted(wait for minute in self.minutes if minute.begins >= after for wait in minute.waits)

    def grouped(self, length: timedelta, after: datetime) -> list[Minute]:
        """Return stretches of this length in place of minutes, also those without any event."""
        first = _floor(after, length)
        last = self.minutes[-1].begins if self.minutes else first
        stretches = {}
        begins = first
        while begins <= last:
            stretches[begins] = Minute(begins)
            begins += length
        for minute in self.minutes:
            stretch = stretches.get(_floor(minute.begins, length))
            if stretch is None:
                continue
            for status, count in minute.ended.items():
                stretch.ended[status] = stretch.ended.get(status, 0) + count
            stretch.waits += minute.waits
        return list(stretches.values())


class Tally:
    """Adds up events, each once, in any order."""

    def __init__(self) -> None:
        self._minutes: dict[datetime, Minute] = {}
        self._seen: dict[datetime, set[str]] = {}
        self._waiting_since: OrderedDict[str, datetime] = OrderedDict()
        self._since: datetime | None = None
        self._closed_before: datetime | None = None

    def add(self, events: Iterable[Event]) -> list[Event]:
        """Add events, and return those that were not added before, in the order given.

        Events of one call are put in order by themselves; the start of a job says how long it waited
        only when its submission was added, too.
        """
        new = [event for event in events if self._is_new(event)]
        for event in sorted(new, key=lambda one: (one.timestamp_utc, one.seq)):
            self._take(event)
        return new

    def close(self, now: datetime) -> None:
        """Forget old minutes, and take no more events of those that are over for a while."""
        self._minutes = {begins: minute for begins, minute in self._minutes.items() if begins >= now - KEPT}
        closed = _floor(now - _OPEN, _MINUTE)
        self._closed_before = closed if self._closed_before is None else max(closed, self._closed_before)
        self._seen = {begins: seen for begins, seen in self._seen.items() if begins >= self._closed_before}

    def statistics(self) -> Statistics:
        """Return what was added up so far."""
        minutes = [self._minutes[begins] for begins in sorted(self._minutes)]
        return Statistics(self._since, minutes)

    def knows_from(self, moment: datetime) -> None:
        """Note that all events from this moment on were added."""
        self._since = moment

    def _is_new(self, event: Event) -> bool:
        minute = _floor(event.timestamp_utc, _MINUTE)
        if self._closed_before is not None and minute < self._closed_before:
            return False
        seen = self._seen.setdefault(minute, set())
        if event.event_id in seen:
            return False
        seen.add(event.event_id)
        return True

    def _take(self, event: Event) -> None:
        minute = self._minute(event.timestamp_utc)
        match event.status:
            case EventStatus.SUBMITTED | EventStatus.INTERRUPTED:
                self._waiting_since[event.job_id] = event.timestamp_utc
                while len(self._waiting_since) > _MOST_WAITING:
                    self._waiting_since.popitem(last=False)
            case EventStatus.ATTEMPT_FAILED:
                due_at = event.data.get("next_attempt_at")
                waits_from = event.timestamp_utc if due_at is None else datetime.fromisoformat(due_at)
                self._waiting_since[event.job_id] = waits_from
            case EventStatus.STARTED:
                since = self._waiting_since.pop(event.job_id, None)
                # A job that was taken over by the transaction that found it cut off was not in line.
                if since == event.timestamp_utc and event.attempt > 1:
                    return
                if since is not None and len(minute.waits) < _MOST_WAITS:
                    minute.waits.append(max(0.0, (event.timestamp_utc - since).total_seconds()))
            case _ if event.status.is_terminal:
                self._waiting_since.pop(event.job_id, None)
                minute.ended[event.status] = minute.ended.get(event.status, 0) + 1

    def _minute(self, moment: datetime) -> Minute:
        begins = _floor(moment, _MINUTE)
        return self._minutes.setdefault(begins, Minute(begins))


def quantile(values: Sequence[float], part: float) -> float | None:
    """Return the value that this part of sorted values does not exceed; None without any."""
    return nearest_rank(values, part) if values else None


def _floor(moment: datetime, length: timedelta) -> datetime:
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return day + (moment - day) // length * length


def whole_minute(moment: datetime) -> datetime:
    """Return the beginning of a moment's minute."""
    return _floor(moment, _MINUTE)
