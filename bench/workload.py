"""What a workload is, and the ways in which workloads run: behind a gate, or while jobs are submitted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench import marks as of_marks
from bench.batch import Batch, Submitted
from bench.contestant import Contestant, Installation
from bench.figures import Turn
from bench.handler import held
from bench.marks import Mark, read_marks
from bench.probe import Probe

#: Numbers of the jobs that are not measured.
_GATE, _WARM_UP = -1, -1000
_WARM_UP_JOBS = 20
WARM_UP_LOCK = "warm up"


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    jobs: int
    clients: int = 16
    #: Finished jobs in the store before a turn.
    history: int = 0


class Workload(Protocol):
    """Something to do for a contestant that runs."""

    name: str
    title: str
    #: What is done and what the rate is, in a sentence for readers of the tables.
    about: str
    #: What its size and its figures count.
    unit: str
    #: The size of a full measurement.
    jobs: int
    #: Finished jobs in the store before a turn, in a full measurement.
    history: int
    #: Whether it is left out of a measurement that does not name it.
    is_large: bool
    #: All locks that its jobs use.
    locks: tuple[str, ...]

    def suits(self, contestant: Contestant) -> bool:
        """Return whether a contestant can do it."""

    def measure(self, installation: Installation, size: Size) -> Turn:
        """Have it done once. Raises BenchError."""


def warm_up(installation: Installation) -> None:
    """Run some jobs, so that connections are open and caches are filled."""
    batch = Batch(_WARM_UP, _WARM_UP_JOBS, (WARM_UP_LOCK,), clients=4)
    submitted = installation.submit(batch)
    installation.settle(submitted.last_id)
    installation.catch_up(installation.wait(batch))


def behind_gate(installation: Installation, batch: Batch) -> Turn:
    """Submit the batch while a job holds its lock; the rate counts from the end of that job."""
    gate = _Gate(installation, batch.locks[0])
    probe = Probe(installation.roots(), installation.requests)
    submitted = installation.submit(batch)
    installation.settle(submitted.last_id)
    gate.open()
    runs = installation.wait(batch)
    installation.catch_up(runs)
    probe.stop()
    opened = gate.run()
    return _turn(installation, probe, submitted, runs, opened.ended_ns, [opened, *runs])


def while_submitted(installation: Installation, batch: Batch, *, has_gaps: bool) -> Turn:
    """Submit the batch while its jobs run; the rate counts from the first submission."""
    probe = Probe(installation.roots(), installation.requests)
    submitting = installation.start_submitting(batch)
    runs = installation.wait(batch)
    submitted = submitting.wait()
    installation.catch_up(runs)
    probe.stop()
    in_turn = runs if has_gaps else ()
    return _turn(installation, probe, submitted, runs, submitted.began_ns, in_turn)


def only_submitted(installation: Installation, batch: Batch) -> Turn:
    """Submit the batch behind a job that holds its lock, so that nothing else happens; then let it run."""
    gate = _Gate(installation, batch.locks[0])
    probe = Probe(installation.roots(), installation.requests)
    submitted = installation.submit(batch)
    installation.settle(submitted.last_id)
    probe.stop()
    gate.open()
    runs = installation.wait(batch)
    return Turn(
        batch.count,
        submitted.rate,
        submissions=submitted.seconds,
        overlaps=of_marks.overlaps(read_marks(installation.marks_file)),
        repeated=of_marks.repeated(runs),
        processor={**probe.processor, "client": submitted.processor_seconds},
        requests=probe.requests,
        memory=probe.memory,
    )


class _Gate:
    """A job that holds a lock until it is opened."""

    def __init__(self, installation: Installation, lock: str) -> None:
        self._installation = installation
        self._file = installation.folder / "gate"
        self._batch = Batch(_GATE, 1, (lock,), clients=1, gate=str(self._file))
        installation.submit(self._batch)
        waits: Path = held(str(self._file))
        installation.wait_for(waits.exists, "the job that holds the lock")

    def open(self) -> None:
        """Let the job end."""
        self._file.touch()

    def run(self) -> Mark:
        """Return when the job ran."""
        return self._installation.wait(self._batch)[0]


def _turn(
    installation: Installation,
    probe: Probe,
    submitted: Submitted,
    runs: Sequence[Mark],
    since_ns: int,
    in_turn: Sequence[Mark],
) -> Turn:
    """Return the figures; `in_turn` are the runs between which a lock had work to do."""
    return Turn(
        len(runs),
        of_marks.rate(runs, since_ns),
        gaps=tuple(of_marks.gaps(in_turn)),
        gaps_to_others=tuple(of_marks.gaps_to_others(in_turn)),
        submissions=submitted.seconds,
        # Of all that ran: the job at the gate and the first behind it must not overlap either.
        overlaps=of_marks.overlaps(read_marks(installation.marks_file)),
        repeated=of_marks.repeated(runs),
        processor={**probe.processor, "client": submitted.processor_seconds},
        requests=probe.requests,
        memory=probe.memory,
        lags=tuple(installation.lags(runs)),
    )
