"""What is submitted: a batch of numbered jobs, as every contestant's client gets it."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Work:
    """One job: it notes when it runs, and does nothing else unless it has steps or a gate."""

    number: int
    lock: str
    #: Number of recorded steps.
    steps: int = 0
    #: A file: the job runs until it exists.
    gate: str = ""


@dataclass(frozen=True)
class Batch:
    """Jobs with consecutive numbers, spread over locks in turn, submitted by several clients at once."""

    first: int
    count: int
    locks: tuple[str, ...]
    clients: int = 16
    steps: int = 0
    gate: str = ""

    def works(self) -> Iterator[Work]:
        """Go through the jobs, in order."""
        for number in range(self.first, self.first + self.count):
            yield Work(number, self.locks[number % len(self.locks)], self.steps, self.gate)

    @property
    def numbers(self) -> range:
        """The numbers of the jobs."""
        return range(self.first, self.first + self.count)

    def text(self) -> str:
        """Return the batch as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Batch":
        """Read a batch back."""
        values = json.loads(text)
        return cls(**{**values, "locks": tuple(values["locks"])})


@dataclass(frozen=True)
class Submitted:
    """How the submission of a batch went, by the client's monotonic clock."""

    began_ns: int
    ended_ns: int
    #: Seconds that each submission took, until it was accepted.
    seconds: tuple[float, ...]
    #: Processor seconds of the client.
    processor_seconds: float
    #: Id of the job that was accepted last, where jobs have ids.
    last_id: str = ""

    @property
    def rate(self) -> float:
        """Accepted jobs per second."""
        return len(self.seconds) / ((self.ended_ns - self.began_ns) / 1e9)

    def text(self) -> str:
        """Return this as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def read(cls, text: str) -> "Submitted":
        """Read it back."""
        values = json.loads(text)
        return cls(**{**values, "seconds": tuple(values["seconds"])})
