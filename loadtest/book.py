"""The book of a run: what was submitted, and what was answered."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from loadtest.asked import Asked
from verification import nearest_rank

#: The status of a submission that got no answer.
NO_ANSWER = 0

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

#: The problems that turn a submission away, by `on_conflict`.
_TURNS_AWAY = {
    "reject": "lock_busy",
    "replace-waiting": "too_many_waiting",
    "cancel-running": "too_many_waiting",
}


@dataclass(frozen=True)
class Answer:
    """What came of one request."""

    status: int
    seconds: float
    #: Whether, by the answer, the job was submitted before with the same content.
    same_request: bool = False
    trace_id: str | None = None
    #: The job that the answer names.
    job_id: str | None = None
    #: The last part of the problem's type; empty without a problem.
    problem: str = ""
    sent_at: datetime = _LONG_AGO

    @classmethod
    def of(
        cls, status: int, document: Any, seconds: float, sent_at: datetime, trace_id: str | None
    ) -> "Answer":
        """Read an answer, or one of a batch."""
        found = document if isinstance(document, dict) else {}
        is_same = status == HTTPStatus.CONFLICT and found.get("same_request") is True
        problem = str(found.get("type", "")).rpartition(":")[2]
        return cls(status, seconds, is_same, trace_id, found.get("job_id"), problem, sent_at)

    @property
    def answered_at(self) -> datetime:
        """When it came."""
        return self.sent_at + timedelta(seconds=self.seconds)

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
    #: Whether a schedule submitted it, so that there are no answers.
    is_scheduled: bool = False

    @property
    def times_accepted(self) -> int:
        """How many answers said that the job is new."""
        return sum(answer.status == HTTPStatus.ACCEPTED for answer in self.answers)

    @property
    def is_promised(self) -> bool:
        """Whether an answer said that the job is there, or a schedule submitted it."""
        return self.is_scheduled or any(map(self._promises, self.answers))

    @property
    def promise(self) -> Answer | None:
        """The answer that said first that the job is there."""
        return next(filter(self._promises, self.answers), None)

    @property
    def is_turned_away(self) -> bool:
        """Whether an answer said that nothing was added, because of other jobs of the lock."""
        return not self.is_promised and any(map(self.turns_away, self.answers))

    def turns_away(self, answer: Answer) -> bool:
        """Return whether an answer says that nothing was added, as this submission asked for then."""
        policy = self.asked.on_conflict
        if policy == "skip":
            return answer.status == HTTPStatus.OK and answer.job_id not in {None, self.job_id}
        return answer.status == HTTPStatus.CONFLICT and answer.problem == _TURNS_AWAY.get(policy)

    def unexpected(self) -> list[int]:
        """Return the statuses that no answer to such a submission should have."""
        return [
            answer.status
            for answer in self.answers
            if not (self._promises(answer) or answer.is_unavailable or self.turns_away(answer))
        ]

    def is_answered_once(self) -> bool:
        """Return whether exactly one answer said that the job is new, as far as the answers came."""
        # Locust may stop a user in the middle, and an answer may be lost: then nothing is known.
        is_all_known = len(self.answers) >= self.asked.copies
        was_cut_off = not is_all_known or any(answer.is_unavailable for answer in self.answers)
        may_be_none = was_cut_off or self.is_turned_away
        return self.times_accepted == 1 or (may_be_none and self.times_accepted == 0)

    def _promises(self, answer: Answer) -> bool:
        return answer.status == HTTPStatus.ACCEPTED or answer.same_request


class Book:
    """All submissions of a run."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}

    def open(self, job_id: str, lock: str, asked: Asked, *, is_scheduled: bool = False) -> Entry:
        """Note that a job is about to be submitted, or that a schedule submitted it."""
        entry = Entry(job_id, lock, asked, is_scheduled=is_scheduled)
        self.entries[job_id] = entry
        return entry

    def promised(self) -> list[Entry]:
        """Return the jobs that were accepted, in the order of their submission."""
        return [entry for entry in self.entries.values() if entry.is_promised]

    def turned_away(self) -> list[Entry]:
        """Return the submissions that added nothing, because of other jobs of their locks."""
        return [entry for entry in self.entries.values() if entry.is_turned_away]

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
