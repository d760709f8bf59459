"""The register: where each job lives, which content has its id, and whether it is active.

Several contents may be submitted under one id, at once and one after the other. One of them wins: it is the
one that is registered and the one that is written, and only its submitters hear that it is accepted.
"""

from collections.abc import Iterable, Mapping

from tests.simulation.judges.lives import Life
from tests.simulation.judges.writes import Tell, Write

from contracts import lock_names
from contracts.statuses import EventStatus
from coordination.clients.submission import NewJob
from coordination.journal import rows
from coordination.journal.rows import JobRow
from coordination.ports import Registration, Row

#: What makes two submissions the same.
Content = tuple[str, str, str, int, str, str, str]


def content_of(new: NewJob) -> Content:
    """Return what a client asked for, without the place in line."""
    return (
        new.kind,
        new.lock_name,
        new.parameters,
        new.priority,
        new.name,
        new.description,
        new.properties,
    )


class Register:
    """Compares registrations, contents and rows."""

    def __init__(self, tell: Tell, lives: dict[str, Life]) -> None:
        self._tell = tell
        self._lives = lives
        #: Every content that was asked for, by job.
        self.asked: dict[str, set[Content]] = {}
        #: The contents whose submitters got the answer that they are accepted.
        self._accepted: dict[str, set[Content]] = {}

    def asks(self, new: NewJob) -> None:
        """Note that a client asks for a job."""
        self.asked.setdefault(new.job_id, set()).add(content_of(new))

    def accepted(self, new: NewJob) -> None:
        """Note that a client got the answer that its job is accepted."""
        self._accepted.setdefault(new.job_id, set()).add(content_of(new))

    def refused(self, new: NewJob, registration: Registration | None) -> None:
        """Judge the answer that the id is another job's."""
        if registration is None:
            self._tell("register", f"{new.job_id} was refused as in use, and is not registered")
        elif self.asked[new.job_id] == {content_of(new)}:
            self._tell("register", f"{new.job_id} was refused as another job's, and there is no other")

    def see(self, write: Write, registrations: Mapping[str, Registration]) -> None:
        """Judge a transaction that accepts a job."""
        for event in write.events:
            if event.status == EventStatus.SUBMITTED:
                job = write.jobs[event.job_id]
                self.check_row(write.partition, job, registrations.get(job.job_id))

    def retires(self, job_id: str, projected: int, *, is_closed: bool) -> None:
        """Judge that a job is taken off the active ones, with this many of its events in the read models."""
        life = self._lives.get(job_id)
        if is_closed and life is None:
            return
        if life is None or not life.is_over or projected < life.seq:
            status = (life.status, life.seq) if life is not None else None
            self._tell("register", f"{job_id} is no longer active: {status}, {projected} events projected")

    def check_end(
        self,
        partitions: Mapping[str, Mapping[str, Row]],
        registrations: Mapping[str, Registration],
        active: Iterable[str],
    ) -> None:
        """Judge what is left once everything has ended."""
        found: set[str] = set()
        for partition, stored in partitions.items():
            for key, row in stored.items():
                if key.startswith("job|"):
                    job = JobRow.from_row(row)
                    if job.job_id in found:
                        self._tell("register", f"{job.job_id} lives in two partitions")
                    found.add(job.job_id)
                    self.check_row(partition, job, registrations.get(job.job_id))
        for job_id in registrations.keys() - found:
            self._tell("register", f"{job_id} is registered, and neither there nor closed")
        for job_id in active:
            self._tell("register", f"{job_id} is still active")
        for job_id, contents in self._accepted.items():
            partition = registrations[job_id].partition if job_id in registrations else ""
            written = partitions.get(partition, {}).get(rows.job_key(job_id))
            won = _content_of_row(written, partitions[partition]) if written is not None else None
            if contents != {won}:
                self._tell("register", f"{job_id} was accepted as {contents}, and is {won}")

    def check_row(self, partition: str, job: JobRow, registration: Registration | None) -> None:
        """Compare a job's row, in its partition, with its registration."""
        if registration is None:
            self._tell("register", f"{job.job_id} is not registered")
            return
        lives_at = registration.partition, registration.lock_name
        if lives_at != (partition, job.lock_name) or partition != lock_names.partition(job.lock_name):
            self._tell("register", f"{job.job_id} lives under {job.lock_name}, registered is {lives_at[1]}")
        if job.status != JobRow.TOMBSTONE and job.request_hash != registration.request_hash:
            self._tell("register", f"{job.job_id} has another content than the one that is registered")


def _parameters(stored: Mapping[str, Row], row: Row) -> str:
    long = stored.get(rows.parameters_key(str(row.values["job_id"])))
    return rows.join_text(long.values) if long is not None else str(row.values.get("parameters", ""))


def _content_of_row(row: Row, stored: Mapping[str, Row]) -> Content:
    job, parameters = JobRow.from_row(row), _parameters(stored, row)
    return job.kind, job.lock_name, parameters, job.priority, job.name, job.description, job.properties
