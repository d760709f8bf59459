"""Compares the journal's own way of sending transactions with the SDK's, in one run against one server.

    python -m bench.transactions [--transactions 300] [--rounds 3] [--connection-string ...]

Each transaction is a step's: it merges the lock row under its version and inserts an event. Rounds of both
ways alternate, so that a busy machine slows both; what counts is the ratio. Without a connection string it
starts an Azurite of its own.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from azure.core import MatchConditions
from deploy.servers.private import azurite

from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from coordination.ports import Insert, Transaction, Update, Value

_PARTITION = "bench"
_EVENT: dict[str, Value | None] = {
    "status": "Step",
    "message": "step 1 of 10 recorded",
    "attempt": 1,
    "data": "{}",
    "hash": "0" * 64,
}

#: Commits one transaction: number and version of the lock row in, its new version out.
Commit = Callable[[int, str], Awaitable[str]]


@dataclass
class Measurement:
    """What the transactions of one way took."""

    name: str
    commit: Commit
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0

    @property
    def p50(self) -> float:
        """Median time of one transaction, in milliseconds."""
        return statistics.median(self.seconds) * 1000

    @property
    def p95(self) -> float:
        """Time that 95 of 100 transactions stay below, in milliseconds."""
        return statistics.quantiles(self.seconds, n=20)[-1] * 1000

    @property
    def cpu(self) -> float:
        """Processor time of this process per transaction, in milliseconds."""
        return self.cpu_seconds / len(self.seconds) * 1000

    @property
    def rate(self) -> float:
        """Transactions per second, one after the other."""
        return len(self.seconds) / sum(self.seconds)


def _by_journal(connection: StorageConnection) -> Commit:
    journal = TableJournal(connection)

    async def commit(number: int, etag: str) -> str:
        update = Update("line|lock|00", {"fence": number, "op_id": str(number)}, etag)
        event = Insert(f"event|raw|{number:06d}", _EVENT)
        versions = await journal.commit(_PARTITION, Transaction(str(number), [update, event]), 30.0)
        return versions["line|lock|00"]

    return commit


def _by_sdk(connection: StorageConnection) -> Commit:
    table = connection.table(connection.names.journal_table)

    async def commit(number: int, etag: str) -> str:
        lock = {"PartitionKey": _PARTITION, "RowKey": "line|lock|00", "fence": number, "op_id": str(number)}
        event = {"PartitionKey": _PARTITION, "RowKey": f"event|sdk|{number:06d}", **_EVENT}
        condition = {"mode": "merge", "etag": etag, "match_condition": MatchConditions.IfNotModified}
        versions = await table.submit_transaction([("update", lock, condition), ("create", event)])
        return str(versions[0]["etag"])

    return commit


async def _measure(measurement: Measurement, etag: str, count: int) -> str:
    first = len(measurement.seconds)
    cpu = time.process_time()
    for number in range(first, first + count):
        started = time.perf_counter()
        etag = await measurement.commit(number, etag)
        measurement.seconds.append(time.perf_counter() - started)
    measurement.cpu_seconds += time.process_time() - cpu
    return etag


async def compare(connection_string: str, transactions: int, rounds: int) -> list[Measurement]:
    """Measure both ways, the journal's first."""
    names = StorageNames(prefix=f"bench{uuid.uuid4().hex[:8]}")
    connection = StorageConnection.from_connection_string(connection_string, names)
    await connection.prepare()
    ways = [Measurement("journal", _by_journal(connection)), Measurement("SDK", _by_sdk(connection))]
    first = Transaction("first", [Insert("line|lock|00", {"fence": 0})])
    etag = (await TableJournal(connection).commit(_PARTITION, first, 30.0))["line|lock|00"]
    for way in ways:  # Opens connections and fills caches; not counted.
        etag = await _measure(Measurement(way.name, _shifted(way.commit)), etag, 20)
    for _ in range(rounds):
        for way in ways:
            etag = await _measure(way, etag, transactions)
    await connection.tables.delete_table(names.journal_table)
    await connection.tables.delete_table(names.index_table)
    await connection.locks.delete_container()
    await connection.aclose()
    return ways


def _shifted(commit: Commit) -> Commit:
    return lambda number, etag: commit(900_000 + number, etag)


def table(ways: list[Measurement]) -> str:
    """Lay the measurements out for reading."""
    lines = [f"{'way':10} {'per second':>10} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8}"]
    lines += [f"{way.name:10} {way.rate:10.0f} {way.p50:8.2f} {way.p95:8.2f} {way.cpu:8.2f}" for way in ways]
    ours, theirs = ways
    lines.append(
        f"{'ratio':10} {ours.rate / theirs.rate:9.1f}x {theirs.p50 / ours.p50:7.1f}x"
        f" {theirs.p95 / ours.p95:7.1f}x {theirs.cpu / ours.cpu:7.1f}x"
    )
    return "\n".join(lines)


def main() -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "--transactions", type=int, default=300, help="number of transactions per way and round (%(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connection-string", default="")
    options = parser.parse_args()

    def run(connection_string: str) -> None:
        print(table(asyncio.run(compare(connection_string, options.transactions, options.rounds))))

    if options.connection_string:
        run(options.connection_string)
        return
    with tempfile.TemporaryDirectory() as folder, azurite(Path(folder), in_memory=True) as server:
        run(server.connection_string)


if __name__ == "__main__":
    main()
