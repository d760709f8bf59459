"""Writing until the outcome is known: the identical transaction again and again, never a different one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from coordination.ports import Clock, Journal, Transaction, UnknownOutcomeError

ResultT = TypeVar("ResultT")

#: Longest pause between two tries, in seconds.
_LONGEST_PAUSE = 2.0


async def until_known(
    clock: Clock, call: Callable[[], Awaitable[ResultT]], until: float, first_pause: float = 0.1
) -> ResultT:
    """Repeat a call whose outcome is unknown, with full jitter and growing pauses.

    Raises UnknownOutcomeError once the boot clock has passed `until`.
    """
    pause = first_pause
    while True:
        try:
            return await call()
        except UnknownOutcomeError:
            wait = clock.jitter(0, pause)
            if clock.boot() + wait >= until:
                raise
            await clock.sleep(wait)
            # This process may have been frozen in the meantime, and a late write must not be sent.
            if clock.boot() >= until:
                raise
            pause = min(pause * 2, _LONGEST_PAUSE)


async def commit_until(
    journal: Journal, clock: Clock, partition: str, transaction: Transaction, timeout: float, until: float
) -> Mapping[str, str]:
    """Commit a transaction, repeating it while its outcome is unknown.

    A cancelled caller does not interrupt a request under way: what was sent goes on to its end, and is not
    sent again, as its sender may have given back the lock by then. Raises RefusedError, which may mean that
    an earlier try was carried out, InvalidTransactionError, or UnknownOutcomeError once the boot clock has
    passed `until`.
    """

    async def send() -> Mapping[str, str]:
        sending = asyncio.ensure_future(journal.commit(partition, transaction, timeout))
        # Retrieve the exception, so that asyncio does not warn when the caller was cancelled.
        sending.add_done_callback(lambda sent: sent.cancelled() or sent.exception())
        return await asyncio.shield(sending)

    # Rule R5 (spec/turnstile.pml): repeat the identical transaction while its outcome is unknown.
    return await until_known(clock, send, until)


async def is_own(journal: Journal, clock: Clock, partition: str, key: str, op_id: str, until: float) -> bool:
    """Return whether a refused transaction was in fact carried out earlier: its mark is in the row."""
    # Rule R6 (spec/turnstile.pml): a write whose mark is in the row was carried out.
    row = await until_known(clock, lambda: journal.read(partition, key), until)
    return row is not None and row.values.get("op_id") == op_id
