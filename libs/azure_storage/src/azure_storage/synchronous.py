"""Reading from threads without an event loop, such as those in which a dashboard runs its pages."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from typing import Any, Self, TypeVar

from azure_storage.connection import StorageConnection

AnswerT = TypeVar("AnswerT")


class ClosedError(Exception):
    """The reader is closed, before the read or while it was in progress."""


class SynchronousReader:
    """Carries out reads for callers in any thread, on an event loop in a thread of its own.

    A storage connection belongs to one event loop, so this one keeps all adapters on that connection:

        with SynchronousReader(connection) as reader:
            models = TableReadModels(connection)
            page = reader.read(models.jobs(JobFilter(), limit=50))
    """

    def __init__(self, connection: StorageConnection) -> None:
        self._connection = connection
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._is_closed = False
        #: No read is handed over once the loop is about to end: its caller would wait for ever.
        self._handing_over = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="storage reader", daemon=True)
        self._thread.start()

    def read(self, answer: Coroutine[Any, Any, AnswerT]) -> AnswerT:
        """Return what a read gives. Raises what the read raises; ClosedError once the reader is closed."""
        try:
            return self.start(answer).result()
        except concurrent.futures.CancelledError:
            raise ClosedError from None

    def start(self, work: Coroutine[Any, Any, AnswerT]) -> "concurrent.futures.Future[AnswerT]":
        """Begin work on the event loop, which is cancelled when the reader is closed; return its future.

        Raises ClosedError.
        """
        with self._handing_over:
            if self._is_closed:
                work.close()
                raise ClosedError
            return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Cancel the reads in progress, and close the connection."""
        with self._handing_over:
            if not self._is_closed:
                self._is_closed = True
                self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_closed())

    async def _until_closed(self) -> None:
        await self._closing.wait()
        reads = asyncio.all_tasks() - {asyncio.current_task()}
        for read in reads:
            read.cancel()
        await asyncio.gather(*reads, return_exceptions=True)
        await self._connection.aclose()
