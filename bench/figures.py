"""The figures of one turn of a contestant, and of several turns together."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least this percentage of the values does not exceed."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True)
class Turn:
    """What one turn measured. Times are in seconds, memory is in bytes."""

    jobs: int
    #: Jobs, or submissions where nothing else is measured, per second.
    rate: float
    #: Between two runs of a lock; empty where the workload leaves locks without work.
    gaps: tuple[float, ...] = ()
    #: Those of them after which another worker had the lock.
    gaps_to_others: tuple[float, ...] = ()
    #: Until each submission was accepted.
    submissions: tuple[float, ...] = ()
    overlaps: int = 0
    repeated: int = 0
    #: Of each process, by its name, for all jobs together.
    processor: Mapping[str, float] = field(default_factory=dict)
    requests: Mapping[str, float] = field(default_factory=dict)
    #: The most memory that each process had.
    memory: Mapping[str, float] = field(default_factory=dict)
    #: From each job's end until its audit trail has it; empty without a trail.
    lags: tuple[float, ...] = ()


@dataclass(frozen=True)
class Summary:
    """Several turns of one contestant at one workload: medians over the turns. Times are in milliseconds."""

    contestant: str
    turns: tuple[Turn, ...]

    @property
    def rates(self) -> list[float]:
        """The rate of each turn."""
        return [turn.rate for turn in self.turns]

    @property
    def rate(self) -> float:
        """The median rate."""
        return statistics.median(self.rates)

    @property
    def overlaps(self) -> int:
        """All overlaps."""
        return sum(turn.overlaps for turn in self.turns)

    @property
    def repeated(self) -> int:
        """All runs of jobs that had run."""
        return sum(turn.repeated for turn in self.turns)

    def milliseconds(self, what: str, percent: float) -> float | None:
        """Return the median over the turns of a percentile of the times of this name."""
        found = [getattr(turn, what) for turn in self.turns]
        values = [percentile(each, percent) for each in found if each]
        return 1000 * statistics.median(values) if values else None

    def processor(self) -> dict[str, float]:
        """Return the milliseconds of processor time per job, by process."""
        return {name: 1000 * value for name, value in self._per_job("processor").items()}

    def requests(self) -> dict[str, float]:
        """Return the requests to the store per job, by process."""
        return self._per_job("requests")

    def memory(self) -> dict[str, float]:
        """Return the most memory of each process, in MiB."""
        names = {name: None for turn in self.turns for name in turn.memory}
        return {name: max(turn.memory.get(name, 0.0) for turn in self.turns) / 2**20 for name in names}

    def _per_job(self, what: str) -> dict[str, float]:
        names = {name: None for turn in self.turns for name in getattr(turn, what)}
        return {
            name: statistics.median(getattr(turn, what).get(name, 0.0) / turn.jobs for turn in self.turns)
            for name in names
        }


def ratio(ours: Summary, theirs: Summary) -> float | None:
    """Return the median over the rounds of our rate against theirs in the same round, if theirs is not 0."""
    rounds = list(zip(ours.turns, theirs.turns, strict=True))
    if any(other.rate == 0 for _, other in rounds):
        return None
    return statistics.median(mine.rate / other.rate for mine, other in rounds)
