"""What announcements say: numbers of a job's new events and, where they are believed, the events."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from coordination.journal.rows import EventRow, JobRow


@dataclass(frozen=True)
class News:
    """Events that are in the journal for certain, each following from the one before."""

    events: Sequence[EventRow]
    #: Their job as of the last of them.
    job: JobRow

    def after(self, seq: int, last_hash: str) -> Sequence[EventRow]:
        """Return the events behind a number; none when they do not follow from the event with that number."""
        behind = [event for event in self.events if event.seq > seq]
        fits = behind and (behind[0].seq, behind[0].previous_hash) == (seq + 1, last_hash)
        return behind if fits else ()


@dataclass(frozen=True)
class Announced:
    """New events of a job, from the first to the last number."""

    lock: str
    job_id: str
    first: int
    last: int
    traceparent: str | None = None
    #: All of these events; None when they are to be read from the journal.
    news: News | None = None


def merged(items: Sequence[Announced]) -> Announced:
    """Return what announcements of one job say together, in whatever order they came."""
    if len(items) == 1:
        return items[0]
    latest = max(items, key=lambda item: (item.last, item.news is not None))
    first = min(item.first for item in items)
    return replace(latest, first=first, news=_together(items, first, latest))


def is_chain(events: Sequence[EventRow]) -> bool:
    """Return whether each event follows from the one before, by its number and by what it says of it."""
    return all(
        (event.seq, event.previous_hash) == (before.seq + 1, before.hash)
        for before, event in pairwise(events)
    )


def _together(items: Sequence[Announced], first: int, latest: Announced) -> News | None:
    if latest.news is None:
        return None
    by_number = {event.seq: event for item in items if item.news for event in item.news.events}
    events = [by_number[seq] for seq in sorted(by_number)]
    is_whole = (events[0].seq, events[-1].seq) == (first, latest.last) and is_chain(events)
    return News(events, latest.news.job) if is_whole else None
