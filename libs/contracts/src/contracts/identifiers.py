"""Identifiers: job ids and the order of tickets, both UUIDs of version 7 (RFC 9562), and ids of keys."""

import hashlib
import json
import os
import threading
import time
import uuid


class JobIdError(ValueError):
    """The job id cannot be used."""


class TimeOrderedIds:
    """A source of version 7 UUIDs that rise strictly within this process.

    The sub-millisecond part counts upwards when several are made in one millisecond or the clock steps back
    (RFC 9562 section 6.2, method 1: a fixed-length dedicated counter in `rand_a`).
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._last = 0

    def next(self) -> uuid.UUID:
        """Make the next identifier."""
        with self._mutex:
            tick = max((time.time_ns() // 1_000_000) << 12, self._last + 1)
            self._last = tick
        random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
        value = (tick >> 12) << 80 | 0x7 << 76 | (tick & 0xFFF) << 64 | 0b10 << 62 | random_bits
        return uuid.UUID(int=value)


_ids = TimeOrderedIds()


def new_id() -> str:
    """Make a time-ordered identifier in canonical lower-case form."""
    return str(_ids.next())


def id_of_key(actor: str, key: str) -> str:
    """Return the job id of an actor's idempotency key: a UUID of version 8 (RFC 9562 section 5.8).

    It is the same in every process and in every release, so a repeated key is found as the job's id is.
    """
    return _id_of("idempotency_key", actor, key)


def id_of_due_time(schedule: str, due_at: str) -> str:
    """Return the id of the job that a schedule submits for a due time, likewise a UUID of version 8.

    `due_at` is the moment in UTC as the journal writes it. So a due time has one job, whoever submits it.
    """
    return _id_of("schedule", schedule, due_at)


def id_of_run(schedule: str, actor: str, key: str) -> str:
    """Return the id of the job that someone lets a schedule submit now, under an idempotency key."""
    return _id_of("schedule_run", schedule, actor, key)


def _id_of(*names: str) -> str:
    digest = hashlib.sha256(json.dumps(names).encode()).digest()
    value = int.from_bytes(digest[:16])
    value = value & ~(0xF << 76) & ~(0b11 << 62) | 0x8 << 76 | 0b10 << 62
    return str(uuid.UUID(int=value))


def normalise_job_id(value: str) -> str:
    """Return the canonical lower-case form of a caller's UUID.

    Raises JobIdError when the value is not a UUID in its usual 36-character form, of any version.
    """
    try:
        parsed = uuid.UUID(value)
    except (ValueError, AttributeError, TypeError):
        parsed = None
    if parsed is None or str(parsed) != value.lower():
        raise JobIdError(f"{value[:80]!r} is not a UUID such as 018f6c3e-7b1a-7c4e-9d3a-0123456789ab")
    return str(parsed)
