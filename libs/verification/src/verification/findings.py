"""Invariants by their numbers, what it means that one holds, and what was found to break them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from verification.events import storable


class Invariant(StrEnum):
    """What must be true of every history, also when things failed while it was made."""

    EVENTS = "I1"
    EXCLUSION = "I2"
    ONE_END = "I3"
    SINK_FENCES = "I4"
    SINK_OVERLAP = "I5"
    QUEUES = "I6"
    TRAIL = "I7"
    TAKEN_UP_AGAIN = "I8"
    NOTHING_HELD = "I9"
    STEPS_ONCE = "I10"
    TAKE_OVER_TIMES = "I11"
    LISTS = "I12"
    REMOVALS = "I13"
    POOLS = "I14"


#: One plain sentence each.
MEANINGS = {
    Invariant.EVENTS: "Each job's events are numbered without gap or duplicate, are chained by "
    "hash, and add up to the job's row and its place in line.",
    Invariant.EXCLUSION: "Fences of a lock rise, each is used once, and no run wrote after a later "
    "one had begun.",
    Invariant.ONE_END: "Every accepted job was submitted once and has exactly one terminal record.",
    Invariant.SINK_FENCES: "The effect sink accepted no effect under a lower fence than before, and only "
    "effects of runs that the journal knows.",
    Invariant.SINK_OVERLAP: "No run had further effects in the sink after it was over.",
    Invariant.QUEUES: "Queues are empty, and quarantine holds only messages that belong there.",
    Invariant.TRAIL: "The audit trail says the same as the journal, event for event.",
    Invariant.TAKEN_UP_AGAIN: "Every interrupted job was started again, has ended, or waits in line.",
    Invariant.NOTHING_HELD: "No job that has ended holds a lock, waits in line or counts as active, and idle "
    "locks are free.",
    Invariant.STEPS_ONCE: "No step was recorded twice, and no recorded step was run again.",
    Invariant.TAKE_OVER_TIMES: "Every lock was taken over within the limit that was set.",
    Invariant.LISTS: "Lists of jobs, runs, locks and overlaps, which pages and the API show, say the same as "
    "the journal.",
    Invariant.REMOVALS: "No run and no job is missing: fences follow each other without a gap, and what was "
    "removed is what the mark of its lock says.",
    Invariant.POOLS: "Every run was on a worker that served the pool of its job.",
}

#: What no verdict can show.
BLIND_SPOTS = (
    "What is in RabbitMQ's queues (I6).",
    "Effects that no sink recorded, and an accepted job whose id no file names.",
    "When exactly a lost worker died: a lost worker's take-over counts from its last recorded sign of life.",
    (
        "What jobs keep (parameters, states, results); in lists, jobs that have not ended and the latest "
        "events; which worker held a lease in the past, which properties it had, and how many jobs of a kind "
        "it ran; in which order a line was served; whether a request "
        "to cancel was obeyed; that a step ran again within the tolerance of clocks or without an effect."
    ),
    "A job to which nothing happens is only counted.",
    (
        "A person who can write the tables and compute all hashes again can forge a history that passes. "
        "The ledger of the sink then differs."
    ),
)

#: Findings kept for the report, of each invariant; all are counted.
_MOST_KEPT = 1000


@dataclass(frozen=True)
class Violation:
    """One finding: what broke which invariant, and where to look."""

    invariant: Invariant
    message: str
    lock: str | None = None
    job_id: str | None = None
    #: The run it is about.
    fence: int | None = None

    def document(self) -> dict[str, str | int | None]:
        """Return it as the report's JSON has it."""
        return {
            "invariant": self.invariant.value,
            "lock": None if self.lock is None else storable(self.lock),
            "job_id": None if self.job_id is None else storable(self.job_id),
            "fence": self.fence,
            "message": storable(self.message),
        }


class Findings:
    """Counts all violations and keeps the first of each invariant."""

    def __init__(self) -> None:
        self.counts: Counter[Invariant] = Counter()
        self._kept: dict[Invariant, list[Violation]] = {}

    def add(self, violations: Iterable[Violation]) -> None:
        """Take in what was found."""
        for violation in violations:
            self.counts[violation.invariant] += 1
            kept = self._kept.setdefault(violation.invariant, [])
            if len(kept) < _MOST_KEPT:
                kept.append(violation)

    @property
    def kept(self) -> list[Violation]:
        """The violations to show, by the numbers of their invariants."""
        return [violation for invariant in Invariant for violation in self._kept.get(invariant, [])]
