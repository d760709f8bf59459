"""Measures the checker on a long history: how much memory it takes, and how much longer than merely reading.

    python -m bench.verify [--events 1000000] [--locks 200] [--rounds 1] [--json]

A made-up history of that many events is written to files first. Then processes of their own read it, without
doing anything with the rows, and verify it: the journal, the audit trail, the register, and a ledger with an
effect for each step. What counts is the ratio of the two times, and the most memory that verifying took, next
to that for a tenth of the events.
"""

import argparse
import asyncio
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.unit.verification.authored import Author, effect
from tests.unit.verification.records import Records

from contracts import lock_names
from coordination.clock import SystemClock
from verification import ListedRow, Place, Question, Stored, TrailEvent, verify

_PAGE = 500
_STEPS = 12
_MIB = 1024


class FiledEvidence:
    """A history in files, page by page, as a store would give it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._locks: dict[str, ListedRow] | None = None

    async def journal(self, partition: str | None) -> AsyncIterator[Sequence[Stored]]:
        """Go through the journal."""
        for page in self._pages("journal"):
            yield page

    async def trail(self, job_id: str | None) -> AsyncIterator[Sequence[TrailEvent]]:
        """Go through the audit trail."""
        for page in self._pages("trail"):
            yield page

    async def registered(self) -> AsyncIterator[Sequence[Place]]:
        """Go through the register."""
        for page in self._pages("register"):
            yield page

    async def active(self) -> AsyncIterator[Sequence[Place]]:
        """Nothing is active."""
        yield []

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        """Nothing needs to be read again."""
        return []

    async def line(self, partition: str) -> Sequence[Stored]:
        """Nothing needs to be read again."""
        return []

    async def find(self, job_id: str) -> Place | None:
        """Nothing needs to be looked up."""
        return None

    async def is_free(self, partition: str) -> bool:
        """Return True: no worker runs."""
        return True

    async def listed_jobs(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the lists of jobs."""
        for page in self._pages("listed_jobs"):
            yield page

    async def listed_job(self, job_id: str, submitted_at: str, place: str) -> ListedRow | None:
        """Nothing needs to be looked up."""
        return None

    async def listed_runs(self, partition: str | None) -> AsyncIterator[Sequence[ListedRow]]:
        """Go through the list of runs."""
        for page in self._pages("listed_runs"):
            yield page

    async def listed_run(self, partition: str, fence: int) -> ListedRow | None:
        """Nothing needs to be looked up."""
        return None

    async def listed_lock(self, partition: str) -> ListedRow | None:
        """Look up a lock."""
        if self._locks is None:
            self._locks = {row.place: row for page in self._pages("listed_locks") for row in page}
        return self._locks.get(partition)

    async def overlaps(self) -> AsyncIterator[Sequence[ListedRow]]:
        """Nothing overlapped."""
        yield []

    async def traceback(self, partition: str, job_id: str) -> str | None:
        """No job failed."""
        return None

    def _pages(self, name: str) -> Iterator[Any]:
        with (self._folder / name).open("rb") as file:
            while True:
                try:
                    yield pickle.load(file)
                except EOFError:
                    return


def write_history(folder: Path, events: int, locks: int) -> int:
    """Write a history of about `events` events, and return their number."""
    written = first = 0
    with (
        (folder / "journal").open("wb") as journal,
        (folder / "trail").open("wb") as trail,
        (folder / "register").open("wb") as register,
        (folder / "listed_jobs").open("wb") as listed_jobs,
        (folder / "listed_runs").open("wb") as listed_runs,
        (folder / "listed_locks").open("wb") as listed_locks,
        (folder / "sink").open("w") as sink,
    ):
        lists = {"listed_jobs": listed_jobs, "listed_runs": listed_runs, "listed_locks": listed_locks}
        # The journal's order is that of its partitions, and within one that of its keys.
        for name in sorted((f"lock {number}" for number in range(locks)), key=lock_names.partition):
            author = Author(name, first_number=first + 1)
            count = _write_lock(author, max(1, events // locks), sink)
            first += len(author.jobs)
            written += count
            rows = author.stored()
            _dump(journal, rows)
            records = Records(author)
            _dump(trail, records.told)
            for name_of_list, listed in asyncio.run(_lists_of(records)).items():
                _dump(lists[name_of_list], listed)
            _dump(register, [Place(job, author.partition) for job in author.jobs])
    return written


async def _lists_of(records: Records) -> dict[str, list[ListedRow]]:
    locks = [await records.listed_lock(partition) for partition in records.locks]
    return {
        "listed_jobs": [row async for page in records.listed_jobs() for row in page],
        "listed_runs": [row async for page in records.listed_runs(None) for row in page],
        "listed_locks": [row for row in locks if row is not None],
    }


def _write_lock(author: Author, events: int, sink: Any) -> int:
    """Write jobs, each with some steps; every fifth one loses its worker, and every third is chained."""
    count, following = 0, ""
    while count < events:
        job = following or author.submit()
        chained, following = bool(following), ""
        if not chained:
            author.start(job, "w1")
        for number in range(_STEPS):
            sink.write(effect(author, job, f"step {number}"))
            author.step(job, f"step {number}")
            if number == _STEPS // 2 and len(author.jobs) % 5 == 0 and author.jobs[job].attempt == 1:
                author.take_over(job, "w2")
        if len(author.jobs) % 3 == 0:
            following = author.submit()
        author.end(job, chain=following)
        count += author.jobs[job].seq
    if following:
        author.end(following)
        count += author.jobs[following].seq
    return count


def _dump(file: Any, rows: Sequence[Any]) -> None:
    for start in range(0, len(rows), _PAGE):
        pickle.dump(rows[start : start + _PAGE], file, protocol=pickle.HIGHEST_PROTOCOL)


async def read_only(folder: Path) -> None:
    """Read all that verifying reads."""
    evidence = FiledEvidence(folder)
    for pages in (evidence.journal(None), evidence.trail(None), evidence.registered()):
        async for page in pages:
            for _ in page:
                pass
    for _ in range(2):
        with (folder / "sink").open("rb") as sink:
            for line in sink:
                json.loads(line)


async def verify_all(folder: Path) -> int:
    """Verify the history and return the number of events. Fails unless all holds."""
    verdict = await verify(FiledEvidence(folder), SystemClock(), Question(sink=folder / "sink"))
    if not verdict.holds:
        raise SystemExit(f"a correct history does not hold: {verdict.violations[:3]}")
    return verdict.counts["events"]


def measure(what: str, folder: Path) -> dict[str, float]:
    """Run one part in a process of its own and return its processor seconds and its most memory, in MiB."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.verify", f"--{what}", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def compare(events: int, locks: int, rounds: int) -> dict[str, float]:
    """Measure a history of `events` events."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = write_history(folder, events, locks)
        reads, verifies = [], []
        for _ in range(rounds):
            reads.append(measure("read", folder))
            verifies.append(measure("verify", folder))
        read, verified = (min(each["seconds"] for each in found) for found in (reads, verifies))
    return {
        "events": written,
        "read_seconds": round(read, 1),
        "verify_seconds": round(verified, 1),
        "ratio": round(verified / read, 1),
        "events_per_second": round(written / verified),
        "memory_mib": round(max(each["mib"] for each in verifies)),
        "reading_memory_mib": round(max(each["mib"] for each in reads)),
    }


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--locks", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--verify", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.read or asked.verify:
        began = time.process_time()
        asyncio.run(read_only(asked.read) if asked.read else verify_all(asked.verify))
        seconds = time.process_time() - began
        usage = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"seconds": seconds, "mib": usage.ru_maxrss / _MIB}))
        return
    small = compare(max(1, asked.events // 10), max(1, asked.locks // 10), asked.rounds)
    large = compare(asked.events, asked.locks, asked.rounds)
    if asked.json:
        print(json.dumps({"small": small, "large": large}))
        return
    for found in (small, large):
        print(
            f"{found['events']:>9,} events: read in {found['read_seconds']} s, verified in "
            f"{found['verify_seconds']} s ({found['ratio']} times as long, "
            f"{found['events_per_second']:,} a second) with {found['memory_mib']} MiB"
        )


if __name__ == "__main__":
    main()
