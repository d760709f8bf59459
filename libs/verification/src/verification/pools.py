"""Pools: a run is on a worker that serves the pool of its job, as the events say."""

import json

from contracts.policies import DEFAULT_POOL
from coordination.journal.rows import EventRow
from verification.events import text_of


def pool_in(submitted: EventRow) -> str:
    """Return the pool that the event of a submission names."""
    return text_of(submitted.data, "pool") or DEFAULT_POOL


def wrong_pool(started: EventRow, pool: str) -> str:
    """Return what is wrong with a start of a job of a pool, or an empty text.

    A start that names no pools is that of a worker of the pool `default`, or of a release that knew none.
    """
    served = _pools_in(started.data) if '"pools"' in started.data else [DEFAULT_POOL]
    if pool in served:
        return ""
    named = ", ".join(map(str, served)) or "no pool"
    return f"it was started on {started.worker}, a worker of {named}, and its pool is {pool}"


def _pools_in(data: str) -> list[object]:
    try:
        found = json.loads(data).get("pools", [DEFAULT_POOL])
    except (ValueError, AttributeError, RecursionError):
        return []
    return found if isinstance(found, list) else []
