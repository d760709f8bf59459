"""What the handlers noted: when each job ran, and what follows from it."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Mark:
    """One run of one job, by the clock that all processes share."""

    number: int
    began_ns: int
    ended_ns: int
    job_id: str
    #: The process of the worker that ran it.
    worker: str
    lock: str


def read_marks(file: Path) -> list[Mark]:
    """Read what was noted so far, in order of the starts; a line that is being written is left out."""
    if not file.exists():
        return []
    lines = file.read_text().split("\n")[:-1]
    return sorted(map(_mark, lines), key=lambda mark: mark.began_ns)


def _mark(line: str) -> Mark:
    number, began, ended, job_id, worker, lock = line.split("\t")
    return Mark(int(number), int(began), int(ended), job_id, worker, lock)


def only(marks: Iterable[Mark], numbers: Collection[int]) -> list[Mark]:
    """Return the runs of the jobs with these numbers."""
    return [mark for mark in marks if mark.number in numbers]


def overlaps(marks: Iterable[Mark]) -> int:
    """Count the runs that began before an earlier run of the same lock had ended."""
    found = 0
    for runs in _by_lock(marks).values():
        latest = 0
        for run in runs:
            found += run.began_ns < latest
            latest = max(latest, run.ended_ns)
    return found


def gaps(marks: Iterable[Mark]) -> list[float]:
    """Return the seconds between the end of each run and the start of the next one of its lock."""
    return [_gap(*pair) for pair in _neighbours(marks)]


def gaps_to_others(marks: Iterable[Mark]) -> list[float]:
    """Return those gaps after which another worker had the lock."""
    return [_gap(earlier, later) for earlier, later in _neighbours(marks) if earlier.worker != later.worker]


def _neighbours(marks: Iterable[Mark]) -> Iterator[tuple[Mark, Mark]]:
    for runs in _by_lock(marks).values():
        yield from itertools.pairwise(runs)


def _gap(earlier: Mark, later: Mark) -> float:
    return max(0, later.began_ns - earlier.ended_ns) / 1e9


def repeated(marks: Iterable[Mark]) -> int:
    """Count the runs beyond the first of each job."""
    return sum(count - 1 for count in Counter(mark.number for mark in marks).values())


def rate(marks: Sequence[Mark], since_ns: int) -> float:
    """Return the jobs per second from a moment until the last one had ended."""
    return len(marks) / ((max(mark.ended_ns for mark in marks) - since_ns) / 1e9)


def _by_lock(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    found: defaultdict[str, list[Mark]] = defaultdict(list)
    for mark in sorted(marks, key=lambda mark: mark.began_ns):
        found[mark.lock].append(mark)
    return found
