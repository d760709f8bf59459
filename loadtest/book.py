"""The book of a run: what was submitted, and what was answered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from http import HTTPStatus

from loadtest.scenario import Asked
from verification import nearest_rank

#: The status of a submission that got no answer.
NO_ANSWER = 0


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    status: int
    seconds: float
    #: Whether, by the answer, the job was submitted before with the same content.
    same_request: bool = False
    trace_id: str | None = None

    @property
    def is_unavailable(self) -> bool:
        """Whether nothing is known, and the same submission may be sent again."""
        return self.status in {NO_ANSWER, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass
class Entry:
    """A job that was submitted, perhaps several times."""

    job_id: str
    lock: str
    asked: Asked
    answers: list[Answer] = field(default_factory=list)

    @property
    def times_accepted(self) -> int:
        """How many answers said that the job is new."""
        return sum(answer.status == HTTPStatus.ACCEPTED for answer in self.answers)

    @property
    def is_promised(self) -> bool:
        """Whether an answer said that the job is there."""
        return self.times_accepted > 0 or any(answer.same_request for answer in self.answers)

    def unexpected(self) -> list[int]:
        """Return the statuses that no answer to such a submission should have."""
        return [
            answer.status
            for answer in self.answers
            if not (answer.status == HTTPStatus.ACCEPTED or answer.same_request or answer.is_unavailable)
        ]

    def is_answered_once(self) -> bool:
        """Return whether exactly one answer said that the job is new, as far as the answers came."""
        # Locust may stop a user in the middle, and an answer may be lost: then nothing is known.
        is_all_known = len(self.answers) >= self.asked.copies
        was_cut_off = not is_all_known or any(answer.is_unavailable for answer in self.answers)
        return self.times_accepted == 1 or (was_cut_off and self.times_accepted == 0)


class Book:
    """All submissions of a run."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def open(self, job_id: str, lock: str, asked: Asked) -> Entry:
        """Note that a job is about to be submitted."""
        entry = Entry(job_id, lock, asked)
        self.entries[job_id] = entry
        return entry

    def promised(self) -> list[Entry]:
        """Return the jobs that were accepted, in the order of their submission."""
        return [entry for entry in self.entries.values() if entry.is_promised]

    def answers(self) -> list[Answer]:
        """Return all answers."""
        return [answer for entry in self.entries.values() for answer in entry.answers]

    def statuses(self) -> Counter[int]:
        """Count the answers by status."""
        return Counter(answer.status for answer in self.answers())


def quantile(values: Iterable[float], share: float) -> float | None:
    """Return the value of the nearest rank; None when there is none."""
    ordered = sorted(values)
    return nearest_rank(ordered, share) if ordered else None
