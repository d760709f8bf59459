"""The journal's transactions alone: `python -m bench.programs.journal_program prepare|worker|client BATCH`.

The client writes what a submission writes, and appends each ticket to a file. The worker reads the file and
writes what a holder writes: for a job without steps one transaction, which ends it and starts the next one.
"""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from azure_storage.connection import StorageConnection
from azure_storage.journal import TableJournal
from azure_storage.names import StorageNames
from azure_storage.register import TableRegister
from bench import handler
from bench.batch import Batch, Work
from bench.programs.client import submit_all
from contracts.identifiers import new_id
from coordination.clients.submission import NewJob, build_submission
from coordination.holder.runs import StepDone
from coordination.journal import events, rows, transactions
from coordination.journal.events import Writer
from coordination.journal.line import Line
from coordination.journal.rows import JobRow, LockRow
from coordination.journal.transactions import Draft, Held
from coordination.outcomes import Completed
from coordination.ports import Registration, Row
from coordination.slot import Slot

#: Environment variables: the storage, what leads its names, and the file with the tickets.
STORAGE, NAMESPACE, LINE = "BENCH_STORAGE", "BENCH_NAMESPACE", "BENCH_LINE"

_SECONDS = 30.0
_POLL_SECONDS = 0.002


def connection() -> StorageConnection:
    """Connect to the storage."""
    names = StorageNames(os.environ[NAMESPACE])  # noqa: TID251
    return StorageConnection.from_connection_string(os.environ[STORAGE], names)  # noqa: TID251


def writer() -> Writer:
    """Return the mark of a new transaction."""
    return Writer("bench", new_id(), events.timestamp(datetime.now(UTC)), worker="bench")


async def submit(batch: Batch) -> None:
    """Write what the submissions of a batch write."""
    storage = connection()
    journal, register = TableJournal(storage), TableRegister(storage)
    line = Path(os.environ[LINE])  # noqa: TID251

    async def one(work: Work) -> str:
        slot, job_id = Slot(work.lock), new_id()
        new = NewJob(job_id, job_id, "bench", work.lock, json.dumps({"number": work.number}), "bench")
        change = build_submission(new, writer())
        place = Registration(job_id, work.lock, slot.partition, new.request_hash, datetime.now(UTC))
        await register.add(place)
        versions = await journal.commit(slot.partition, change.transaction, _SECONDS)
        etag = versions[change.job.ticket_key]
        entry = {"number": work.number, "steps": work.steps, "gate": work.gate, "etag": etag}
        with line.open("a") as file:  # noqa: ASYNC230 - a short append
            file.write(json.dumps({**entry, "job": dict(change.job.values())}) + "\n")
        return job_id

    await submit_all(batch, one)
    await storage.aclose()


async def work() -> None:
    """Run the jobs of all tickets, those of a lock one after another."""
    journal = TableJournal(connection())
    lines: defaultdict[str, asyncio.Queue[dict[str, Any]]] = defaultdict(asyncio.Queue)
    async with asyncio.TaskGroup() as tasks:
        async for entry in _tickets(Path(os.environ[LINE])):  # noqa: TID251
            lock = entry["job"]["lock_name"]
            if lock not in lines:
                tasks.create_task(_Lock(journal, lock, lines[lock]).serve())
            lines[lock].put_nowait(entry)


class _Lock:
    """The runs of one lock."""

    def __init__(self, journal: TableJournal, name: str, line: asyncio.Queue[dict[str, Any]]) -> None:
        self._journal = journal
        self._slot = Slot(name)
        self._line = line
        self._lock = LockRow(name)
        self._etag: str | None = None

    async def serve(self) -> None:
        while True:
            entry: dict[str, Any] | None = await self._line.get()
            line = Line(self._slot, self._lock, self._etag, (_ticket(entry),))
            draft = transactions.take_over(line, None, writer(), new_id(), lambda job: True)
            assert draft is not None
            held = await self._commit(draft)
            while entry is not None and held is not None:
                with handler.noted(entry["number"], self._slot.lock_name):
                    await handler.pass_gate(entry["gate"])
                    for number in range(entry["steps"]):
                        done = StepDone(f"step {number}", "null", 0.0)
                        held = await self._commit(transactions.step(held, held.job, writer(), done)) or held
                entry = None if self._line.empty() else self._line.get_nowait()
                following = None if entry is None else _ticket(entry)
                draft, _ = transactions.end(held, held.job, writer(), Completed(), following)
                held = await self._commit(draft)

    async def _commit(self, draft: Draft) -> Held | None:
        versions = await self._journal.commit(self._slot.partition, draft.transaction, _SECONDS)
        self._lock, self._etag = draft.lock, versions[self._slot.lock_key]
        if draft.job is None:
            return None
        return Held(self._slot, self._lock, self._etag, draft.job, versions[rows.job_key(draft.job.job_id)])


def _ticket(entry: Any) -> Row:
    job = JobRow(**entry["job"])
    return Row(job.ticket_key, job.values(), entry["etag"])


async def _tickets(file: Path) -> AsyncIterator[dict[str, Any]]:
    file.touch()  # noqa: ASYNC240
    rest = ""
    with file.open() as opened:
        while True:
            *lines, rest = (rest + opened.read()).split("\n")
            for line in lines:
                yield json.loads(line)
            await asyncio.sleep(_POLL_SECONDS)


async def prepare() -> None:
    """Create the tables."""
    storage = connection()
    await storage.prepare()
    await storage.aclose()


def main() -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["prepare"]:
            asyncio.run(prepare())
        case ["worker"]:
            asyncio.run(work())
        case ["client", batch]:
            asyncio.run(submit(Batch.read(batch)))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
