"""The rows of schedules, and their keys. All are in one partition of their table, in the order of the keys.

```
agenda|firing|<time>|<schedule>|<job>   a job that is to be submitted
agenda|waiting|<time>|<schedule>        when an active schedule is due next
event|<schedule>|<id>                   a fact of the audit trail
run|<schedule>|<job>                    a run by hand under an idempotency key
schedule|<schedule>                     the schedule
```

A scheduler reads the beginning of the agenda: what is under way, and then what is due, the longest first. So
a look costs what is due, however many schedules there are.
"""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Self

from contracts.identifiers import id_of_due_time
from contracts.jobs import Submission
from contracts.schedules import (
    DUE_PROPERTY,
    REMEMBERED,
    SCHEDULE_PROPERTY,
    ScheduleDefinition,
    ScheduleFiring,
)
from coordination.journal.events import timestamp
from coordination.journal.rows import Record, join_text, split_text
from coordination.ports import Row, Value
from schedules.definitions import timing_of
from schedules.misfires import MisfireRule
from schedules.times import Timing

#: The partition of all rows.
PARTITION = "schedules"

#: Starts of the keys.
SCHEDULE, AGENDA, EVENT = "schedule|", "agenda|", "event|"
_FIRING, _WAITING = f"{AGENDA}firing|", f"{AGENDA}waiting|"


def schedule_key(name: str) -> str:
    """Key of a schedule."""
    return f"{SCHEDULE}{name}"


def waiting_key(name: str, due_at: str) -> str:
    """Key of the row that says when a schedule is due next."""
    return f"{_WAITING}{due_at}|{name}"


def event_prefix(name: str) -> str:
    """Start of the keys of a schedule's audit trail."""
    return f"{EVENT}{name}|"


def run_key(name: str, job_id: str) -> str:
    """Key of the row that remembers a run by hand under an idempotency key."""
    return f"run|{name}|{job_id}"


def is_firing(row: Row) -> bool:
    """Return whether a row of the agenda is a firing, and not a due time."""
    return row.key.startswith(_FIRING)


def due_time(row: Row) -> tuple[str, str]:
    """Return when which schedule is due, as a row of the agenda says."""
    due_at, _, name = row.key.removeprefix(_WAITING).partition("|")
    return due_at, name


def moment(text: str) -> datetime | None:
    """Return a time that a row has; None for none."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


class LongRecord(Record):
    """A record of which one text may be too long for one value: it is spread over several."""

    long_text: ClassVar[str]

    @classmethod
    def from_row(cls, row: Row) -> Self:
        """Build from a stored row."""
        return cls.from_values({**row.values, cls.long_text: join_text(row.values)})

    def values(self) -> dict[str, Value | None]:
        """Return the values to store."""
        values = super().values()
        return values | split_text(str(values.pop(self.long_text)))


@dataclass(frozen=True)
class ScheduleRow(LongRecord):
    """A schedule."""

    long_text = "definition"

    name: str
    #: JSON of a ScheduleDefinition.
    definition: str
    #: When it was created: intervals without a start count from it.
    created_at: str
    created_by: str
    changed_at: str
    changed_by: str
    #: When it is due next; empty while it is paused, and when it has ended.
    next_due: str = ""
    #: The last due time that was decided: none up to it is due again.
    decided: str = ""
    paused_at: str = ""
    paused_by: str = ""
    pause_reason: str = ""
    #: JSON list of what became of the latest due times, the latest first.
    history: str = "[]"
    #: The last transaction that changed it.
    op_id: str = ""

    @property
    def asked(self) -> ScheduleDefinition:
        """What the schedule is to be. Raises pydantic's ValidationError for what a later release wrote."""
        return ScheduleDefinition.model_validate_json(self.definition)

    @property
    def timing(self) -> Timing:
        """When it is due."""
        return timing_of(self.asked, datetime.fromisoformat(self.created_at))

    @property
    def misfire_rule(self) -> MisfireRule:
        """What becomes of due times that were missed."""
        asked = self.asked
        return MisfireRule(asked.misfire, asked.misfire_limit, asked.misfire_after)

    @property
    def firings(self) -> list[ScheduleFiring]:
        """What became of the latest due times, the latest first."""
        return [ScheduleFiring.model_validate(each) for each in json.loads(self.history)]

    def with_firing(self, firing: ScheduleFiring) -> Self:
        """Return it with one more in its history; the same one again takes the place of the earlier."""
        earlier = [
            one for one in self.firings if (one.due_at, one.trigger) != (firing.due_at, firing.trigger)
        ]
        kept = sorted([firing, *earlier], key=lambda one: one.due_at, reverse=True)[:REMEMBERED]
        return replace(self, history=json.dumps([one.model_dump(mode="json") for one in kept]))


@dataclass(frozen=True)
class FiringRow(LongRecord):
    """A job that is to be submitted, as its schedule said when it was due."""

    long_text = "submission"

    name: str
    job_id: str
    due_at: str
    trigger: str
    actor: str
    #: JSON of a Submission.
    submission: str
    op_id: str = ""

    @classmethod
    def of(cls, row: ScheduleRow, due_at: datetime, op_id: str) -> Self:
        """Return the firing of a due time."""
        at = timestamp(due_at)
        job_id = id_of_due_time(row.name, at)
        actor = f"schedule:{row.name}"
        return cls(row.name, job_id, at, "due", actor, _submission(row, job_id, at), op_id)

    @classmethod
    def by_hand(cls, row: ScheduleRow, job_id: str, actor: str, at: str, op_id: str) -> Self:
        """Return the firing that someone asks for."""
        return cls(row.name, job_id, at, "hand", actor, _submission(row, job_id, at), op_id)

    @property
    def key(self) -> str:
        """Key of its row."""
        return f"{_FIRING}{self.due_at}|{self.name}|{self.job_id}"

    @property
    def asked(self) -> Submission:
        """The job."""
        return Submission.model_validate_json(self.submission)


@dataclass(frozen=True)
class ScheduleEventRow(LongRecord):
    """A fact of a schedule's audit trail."""

    long_text = "data"

    name: str
    event_id: str
    action: str
    actor: str
    reason: str
    at: str
    #: JSON object.
    data: str = "{}"
    op_id: str = ""

    @property
    def key(self) -> str:
        """Key of its row."""
        return f"{event_prefix(self.name)}{self.event_id}"


def definition_text(asked: ScheduleDefinition) -> str:
    """Return a definition as its row has it."""
    plain = asked.model_dump(mode="json", exclude_defaults=True)
    # A lock that is named differs from none, from which the kind makes one, also when it is the default.
    return json.dumps({**plain, "job": asked.job.model_dump(mode="json", exclude_unset=True)})


def _submission(row: ScheduleRow, job_id: str, due_at: str) -> str:
    job = row.asked.job
    named = {SCHEDULE_PROPERTY: row.name, DUE_PROPERTY: due_at}
    fields: dict[str, Any] = job.model_dump(exclude_unset=True)
    asked = Submission(**{**fields, "properties": {**job.properties, **named}, "job_id": job_id})
    return asked.model_dump_json(exclude_unset=True)
