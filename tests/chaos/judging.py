"""What the simulation's judges say of a lock's rows, as they stand in the tables when all has ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from tests.chaos.chaos_stack import ChaosStack
from tests.e2e.stack import LEASE_SECONDS
from tests.simulation.judges.lives import Lives
from tests.simulation.judges.order import overtaken
from tests.simulation.judges.register import Register
from tests.simulation.judges.writes import from_events

from azure_storage.values import decode_values
from contracts import lock_names
from coordination.journal.rows import EventRow, JobRow
from coordination.ports import Registration, Row

#: Longer than a worker may hold on to a line that it has read, paused or not: its lease has ended by then.
_LONGEST_READ = 2 * LEASE_SECONDS


@dataclass(frozen=True)
class StoredLock:
    """A lock's partition: its rows by key, and when each event was committed, in seconds since the epoch."""

    name: str
    rows: Mapping[str, Row]
    committed: Mapping[str, float]

    @property
    def partition(self) -> str:
        """Return the partition's name."""
        return lock_names.partition(self.name)


def read_lock(stack: ChaosStack, lock: str) -> StoredLock:
    """Read a lock's partition."""
    table = stack.records.service.get_table_client(f"{stack.namespace}Journal")
    stored: dict[str, Row] = {}
    committed: dict[str, float] = {}
    for entity in table.query_entities(f"PartitionKey eq '{lock_names.partition(lock)}'"):
        row = Row(entity["RowKey"], decode_values(entity), str(entity.metadata["etag"]))
        stored[row.key] = row
        committed[row.key] = entity.metadata["timestamp"].timestamp()
    return StoredLock(lock, stored, committed)


def read_register(stack: ChaosStack) -> dict[str, Registration]:
    """Read where all jobs live."""
    found: dict[str, Registration] = {}
    for row in stack.records.all_rows("JobIndex"):
        kind, _, job_id = str(row["RowKey"]).partition("|")
        if kind == "job":
            registered = datetime.fromisoformat(row["registered_at"])
            place = str(row["lock_name"]), str(row["partition"]), str(row["request_hash"])
            found[job_id] = Registration(job_id, *place, registered)
    return found


def judge_lock(stored: StoredLock, registrations: Mapping[str, Registration]) -> list[str]:
    """Say what does not hold: order of service, counts, cancellations, rows, the register."""
    found: list[str] = []

    def tell(topic: str, what: str) -> None:
        found.append(f"lock {stored.name}: {topic}: {what}")

    events = [
        (stored.committed[key], EventRow.from_row(row))
        for key, row in stored.rows.items()
        if key.startswith("event|")
    ]
    jobs = _jobs(stored.rows.items())
    writes = from_events(stored.partition, events)
    lives = Lives(tell)
    for write in writes:
        lives.see(write)
    for job in jobs.values():
        lives.check_row(job.job_id, job)
    for sentence in overtaken(writes, jobs, _LONGEST_READ):
        tell("order", sentence)
    register = Register(tell, lives.jobs)
    for job in jobs.values():
        register.check_row(stored.partition, job, registrations.get(job.job_id))
    return found


def _jobs(stored: Iterable[tuple[str, Row]]) -> dict[str, JobRow]:
    found = [JobRow.from_row(row) for key, row in stored if key.startswith("job|")]
    return {job.job_id: job for job in found if not job.is_tombstone}
