"""Kills the storage emulator in the middle of writes, starts it again, and compares."""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.data.tables.aio import TableServiceClient
from azure.storage.blob.aio import BlobServiceClient
from deploy.servers import private
from deploy.servers.storage import INDEXED
from tests.storage_crashes.writers import Leases, LostError, Moves, Replacements, Transactions, Writer

#: A kill comes when up to so many changes were acknowledged since the last one, and up to so much later.
_MOST_CHANGES = 60
_LONGEST_PAUSE_SECONDS = 0.02
_LONGEST_SECONDS = 60.0
_WRITERS = 3
_SAID_EVERY = 20


@dataclass
class Report:
    """What happened."""

    kills: int = 0
    acknowledged: int = 0
    #: Writes that a kill came into.
    unknown: int = 0
    #: Seconds from the start of the process until it answered.
    starts: list[float] = field(default_factory=list)


async def crash(folder: Path, kills: int, seed: int, kept_in: str = INDEXED) -> Report:
    """Kill the emulator that many times. Raises LostError if it lost or halved anything."""
    chance = random.Random(seed)
    report = Report()
    with private.azurite(folder, kept_in=kept_in) as server:
        async with AsyncExitStack() as stack:
            writers = await _writers(server.connection_string, chance, stack)
            for _ in range(kills):
                enough = _Enough(chance.randint(0, _MOST_CHANGES))
                tasks = [asyncio.create_task(_write(writer, enough)) for writer in writers]
                async with asyncio.timeout(_LONGEST_SECONDS):
                    await enough.wait()
                await asyncio.sleep(chance.uniform(0, _LONGEST_PAUSE_SECONDS))
                server.kill()
                report.unknown += sum(await asyncio.gather(*tasks))
                report.acknowledged += enough.acknowledged
                report.kills += 1
                began = time.monotonic()
                await asyncio.to_thread(server.start)
                report.starts.append(time.monotonic() - began)
                await asyncio.gather(*map(_compare, writers))
                if report.kills % _SAID_EVERY == 0:
                    print(f"  {report.kills} kills, {report.acknowledged} changes acknowledged", flush=True)
    return report


class _Enough:
    """Counts changes that were acknowledged, up to a number that is worth a kill."""

    def __init__(self, wanted: int) -> None:
        self.acknowledged = 0
        self._wanted = wanted
        self._reached = asyncio.Event()
        self.count(0)

    def count(self, more: int) -> None:
        """Add changes."""
        self.acknowledged += more
        if self.acknowledged >= self._wanted:
            self._reached.set()

    async def wait(self) -> None:
        """Wait until there are enough."""
        await self._reached.wait()


async def _write(writer: Writer, enough: _Enough) -> bool:
    """Write until the storage is gone; return whether that interrupted a change."""
    try:
        while True:
            await writer.write()
            enough.count(1)
    except HttpResponseError as error:
        raise LostError(f"{error.status_code} for a change that fits: {error.message}") from error
    except AzureError:
        return True


async def _compare(writer: Writer) -> None:
    try:
        await writer.compare()
    except ResourceNotFoundError as error:
        raise LostError(f"a table or a blob is gone: {error.message}") from error


async def _writers(text: str, chance: random.Random, stack: AsyncExitStack) -> Sequence[Writer]:
    # A request that is repeated could not be told from one that was carried out.
    tables = await stack.enter_async_context(TableServiceClient.from_connection_string(text, retry_total=0))
    blobs = await stack.enter_async_context(BlobServiceClient.from_connection_string(text, retry_total=0))
    table = await tables.create_table("crashes")
    container = await blobs.create_container("crashes")

    def made() -> Iterator[Writer]:
        for number in range(_WRITERS):
            own = random.Random(chance.random())
            yield Transactions(table, f"transactions-{number}", own)
            yield Replacements(table, f"replacements-{number}", own)
            yield Moves(table, f"moves-{number}")
            yield Leases(container, f"leases-{number}")

    return list(made())
