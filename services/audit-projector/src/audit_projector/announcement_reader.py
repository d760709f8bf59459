"""Reading messages that announce events, and deciding what of them is believed.

A seal proves that a process with access to the journal wrote the message, and such a process announces only
what it has committed. So the rows in a sealed message are facts, however late or often they come. What has no
seal, another seal, or rows that do not fit together is taken for numbers alone.
"""

import re
from functools import lru_cache

from faststream.rabbit.annotations import RabbitMessage

from audit_projector.announced import Announced, News, is_chain
from contracts import identifiers, lock_names
from contracts.messages import AnnouncedEvents, EventGroup
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Value
from service_defaults.broker import MessageReader, Seal
from service_defaults.broker.seal import HEADER

#: A job id as it is stored; no need to read it as a number to know that.
_JOB_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: The same locks come again and again.
_normalised_lock = lru_cache(10_000)(lock_names.normalise)


class AnnouncementReader:
    """Reads messages that announce events."""

    def __init__(self, reader: MessageReader, seal: Seal) -> None:
        self._reader = reader
        self._seal = seal

    async def read(self, message: RabbitMessage) -> list[Announced]:
        """Return what a message announces; nothing when it was quarantined."""
        is_sealed = self._seal.fits(message.body, message.headers.get(HEADER))
        group = await self._reader.parse(message, EventGroup, is_own=is_sealed)
        if group is None:
            return []
        try:
            return [announced(item, is_sealed=is_sealed) for item in group.items]
        except ValueError as error:
            await self._reader.quarantine(message, str(error))
            return []


def announced(item: AnnouncedEvents, *, is_sealed: bool) -> Announced:
    """Return what an item of a message announces. Raises ValueError for a name that cannot be."""
    lock, job_id = _normalised_lock(item.lock), item.job_id
    if not _JOB_ID.fullmatch(job_id):
        job_id = identifiers.normalise_job_id(job_id)
    news = _news(item) if is_sealed and (lock, job_id) == (item.lock, item.job_id) else None
    return Announced(lock, job_id, item.first, item.last, item.traceparent, news)


def _news(item: AnnouncedEvents) -> News | None:
    """Return the rows of an item; None when it has none, or they do not fit together."""
    if not item.events or not item.job or len(item.events) != item.last - item.first + 1:
        return None
    of_job: dict[str, Value] = {"lock_name": item.lock, "job_id": item.job_id}
    try:
        events = [
            EventRow.from_values({**values, **of_job, "seq": seq})
            for seq, values in enumerate(item.events, item.first)
        ]
        job = JobRow.from_values({**item.job, **of_job, "seq": item.last, "event_hash": events[-1].hash})
    except TypeError:
        # Another release stores other values.
        return None
    has_hashes = all(chain_hash(event) == event.hash for event in events)
    return News(events, job) if has_hashes and is_chain(events) else None
