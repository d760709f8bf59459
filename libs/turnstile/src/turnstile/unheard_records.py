"""Records of steps that a handler does not wait for any more, and that may be committed all the same."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from turnstile.channels import RecordedStep
from turnstile.errors import NotRecordedError


class UnheardRecords:
    """Waits for records of steps; one whose wait was cancelled is waited for by the step's next try.

    `committed` is called with each record that is committed, in that order.
    """

    def __init__(self, committed: Callable[[RecordedStep], None]) -> None:
        self._committed = committed
        self._sent: dict[str, tuple[Future[None], RecordedStep]] = {}

    async def wait(self, record: RecordedStep, sent: Future[None]) -> None:
        """Wait until a record is committed. Raises NotRecordedError."""
        try:
            await asyncio.shield(asyncio.wrap_future(sent))
        except asyncio.CancelledError:
            sent.add_done_callback(lambda done: done.exception() or self._committed(record))
            self._sent[record.name] = (sent, record)
            raise
        self._committed(record)

    async def hear(self, name: str) -> str | None:
        """Return the result under a step's whole name that was sent, not waited for, and is committed now.

        None when there was no such record, or it was refused.
        """
        unheard = self._sent.pop(name, None)
        if unheard is None:
            return None
        sent, record = unheard
        try:
            await asyncio.shield(asyncio.wrap_future(sent))
        except NotRecordedError:
            return None
        except asyncio.CancelledError:
            self._sent[name] = unheard
            raise
        return record.result
