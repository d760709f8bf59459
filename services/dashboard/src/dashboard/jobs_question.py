"""Which jobs the list shows: read from the address of the page, and written back into it.

Addresses are typed, shared and kept: what one of them says wrong is named, and the rest of it counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from contracts import lock_names
from contracts.identifiers import JobIdError, normalise_job_id
from contracts.statuses import JobStatus
from read_models import JobFilter

#: Choices of how long ago a job was submitted, by their names in the address.
PERIODS: Mapping[str, tuple[str, timedelta]] = {
    "1h": ("Last hour", timedelta(hours=1)),
    "24h": ("Last 24 hours", timedelta(hours=24)),
    "7d": ("Last 7 days", timedelta(days=7)),
    "30d": ("Last 30 days", timedelta(days=30)),
}

#: The pills that are not a status, by their names in the address.
TAKEN_OVER, FINALIZED = "taken-over", "finalized"

_LONGEST = 300

Query = dict[str, str | list[str]]


@dataclass(frozen=True)
class JobsQuestion:
    """What a viewer asks for. Without any, all jobs are shown."""

    text: str = ""
    lock: str = ""
    kind: str = ""
    worker: str = ""
    #: One of PERIODS.
    submitted: str = ""
    #: Name and value.
    with_property: tuple[str, str] | None = None
    statuses: frozenset[JobStatus] = frozenset()
    taken_over: bool = False
    #: Also the jobs that were finalized.
    with_finalized: bool = False
    #: Where the page begins; None for the newest jobs.
    cursor: str | None = None
    #: What the address says that cannot be used.
    problems: Sequence[str] = field(default=(), compare=False)

    @property
    def is_everything(self) -> bool:
        """Whether all jobs fit."""
        return replace(self, cursor=None) == JobsQuestion()

    @property
    def job_id(self) -> str | None:
        """The id that was typed in full, if one was."""
        try:
            return normalise_job_id(self.text)
        except JobIdError:
            return None

    def filter(self, now: datetime) -> JobFilter:
        """Return the filter that the read models understand."""
        begin = now - PERIODS[self.submitted][1] if self.submitted else None
        return JobFilter(
            statuses=self.statuses,
            kinds=frozenset({self.kind} if self.kind else ()),
            lock=self.lock or None,
            worker=self.worker or None,
            submitted_from=begin,
            name_contains=self.text,
            properties=dict([self.with_property] if self.with_property else []),
            taken_over=self.taken_over,
            with_finalized=self.with_finalized,
        )

    def query(self) -> Query:
        """Return what the address says."""
        states = [status.value for status in JobStatus if status in self.statuses]
        states += [TAKEN_OVER] if self.taken_over else []
        states += [FINALIZED] if self.with_finalized else []
        said: Query = {
            "q": self.text,
            "lock": self.lock,
            "kind": self.kind,
            "worker": self.worker,
            "submitted": self.submitted,
            "property": ":".join(self.with_property) if self.with_property else "",
            "state": states,
            "cursor": self.cursor or "",
        }
        return {name: value for name, value in said.items() if value}

    def saying(self, name: str, value: Sequence[str] | str | None) -> "JobsQuestion":
        """Return the question with another value of one field, named as in the address, and no cursor."""
        said = {name: [value] if isinstance(value, str) else value for name, value in self.query().items()}
        said[name] = [value] if isinstance(value, str) else list(value or ())
        return replace(question_from(said), cursor=None)

    def conditions(self) -> list[tuple[str, "JobsQuestion"]]:
        """Return each condition in words, with the question without it."""
        first = replace(self, cursor=None)
        found = [
            (f"“{self.text}” in the name or id", replace(first, text="")) if self.text else None,
            (f"lock {self.lock}", replace(first, lock="")) if self.lock else None,
            (f"kind {self.kind}", replace(first, kind="")) if self.kind else None,
            (f"worker {self.worker}", replace(first, worker="")) if self.worker else None,
            (PERIODS[self.submitted][0].lower(), replace(first, submitted="")) if self.submitted else None,
            _property_condition(self.with_property, replace(first, with_property=None)),
            ("taken over", replace(first, taken_over=False)) if self.taken_over else None,
        ]
        states = [
            (status.value, replace(first, statuses=self.statuses - {status}))
            for status in sorted(self.statuses)
        ]
        return [condition for condition in found if condition is not None] + states


def _property_condition(
    pair: tuple[str, str] | None, without: JobsQuestion
) -> tuple[str, JobsQuestion] | None:
    return (f"property {':'.join(pair)}", without) if pair else None


def question_from(query: Mapping[str, Sequence[str]]) -> JobsQuestion:
    """Read the question that an address asks; a value may be repeated or separated by commas."""
    problems: list[str] = []
    first = {name: values[0].strip()[:_LONGEST] if values else "" for name, values in query.items()}
    statuses, others = _states(query.get("state", ()), problems)
    return JobsQuestion(
        text=first.get("q", ""),
        lock=_lock(first.get("lock", ""), problems),
        kind=first.get("kind", ""),
        worker=first.get("worker", ""),
        submitted=_period(first.get("submitted", ""), problems),
        with_property=_property(first.get("property", ""), problems),
        statuses=statuses,
        taken_over=TAKEN_OVER in others,
        with_finalized=FINALIZED in others,
        # One that is malformed is found by the read models, which wrote it.
        cursor=(query.get("cursor") or [""])[0] or None,
        problems=tuple(problems),
    )


def _property(text: str, problems: list[str]) -> tuple[str, str] | None:
    """Read `name:value`; a value may contain colons, a name may not."""
    if not text:
        return None
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        problems.append(f"The property “{text}” is not written as name:value.")
        return None
    return name.strip(), value.strip()


def _states(values: Sequence[str], problems: list[str]) -> tuple[frozenset[JobStatus], set[str]]:
    known = {status.value.lower(): status for status in JobStatus}
    found: set[JobStatus] = set()
    others: set[str] = set()
    for name in (part.strip() for value in values for part in value[:_LONGEST].split(",")):
        if name.lower() in known:
            found.add(known[name.lower()])
        elif name in {TAKEN_OVER, FINALIZED}:
            others.add(name)
        elif name:
            problems.append(f"There is no state “{name}”.")
    return frozenset(found), others


def _lock(text: str, problems: list[str]) -> str:
    if not text:
        return ""
    try:
        return lock_names.normalise(text)
    except ValueError as error:
        problems.append(f"The lock “{text}” cannot exist: {error}.")
        return ""


def _period(text: str, problems: list[str]) -> str:
    if text and text not in PERIODS:
        problems.append(f"The time “{text}” is not one of {', '.join(PERIODS)}.")
        return ""
    return text
