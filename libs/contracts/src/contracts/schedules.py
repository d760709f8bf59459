"""The documents of schedules: what a caller asks for, and what the API returns."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    field_validator,
)

from contracts import fields
from contracts.actions import Action, Reason
from contracts.fields import Answer
from contracts.jobs import IdempotencyKeyText, JobTemplate
from contracts.statuses import JobStatus

#: What becomes of due times that were missed: none is made up for, the latest is, or the latest so many are.
Misfire = Literal["skip", "once", "all"]
MISFIRES: tuple[Misfire, ...] = get_args(Misfire)

#: What a schedule's name may be. It stands in addresses, in keys of rows and in the names of actors.
SCHEDULE_NAME = r"^[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?$"

#: The properties of a job that say which schedule submitted it, and for which due time.
SCHEDULE_PROPERTY, DUE_PROPERTY = "schedule", "due_at"

#: Most due times that are made up for, and most seconds after which one counts as missed.
MOST_MADE_UP, LONGEST_LATENESS = 100, 86_400

#: Fewest seconds after which one counts as missed: another scheduler needs up to 20 to take over.
SHORTEST_LATENESS = 30

#: Longest interval, in seconds: a year.
LONGEST_INTERVAL = 366 * 86_400

#: Characters of a cron expression, and of the name of a zone.
LONGEST_CRON, LONGEST_ZONE = 100, 64

#: Largest body, in bytes.
MAX_SCHEDULE_BYTES = 64 * 1024

#: Firings that a schedule remembers, and due times that are told in advance.
REMEMBERED, TOLD = 20, 5

_FIRST_YEAR, _END_YEAR = 1970, 2200


def _text(value: object) -> object:
    if value is not None and not isinstance(value, str | datetime):
        raise ValueError("must be a text such as 2026-12-24T18:00:00+01:00")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_text), Field(strict=False)]


class ScheduledJob(JobTemplate):
    """The job that a schedule submits."""

    @field_validator("properties")
    @classmethod
    def _properties_are_left(cls, value: dict[str, str]) -> dict[str, str]:
        for name in (SCHEDULE_PROPERTY, DUE_PROPERTY):
            if name in value:
                raise ValueError(f"must not contain {name!r}, which each job gets from its schedule")
        if len(value) > 30:
            raise ValueError("has at most 30 items, as each job gets two more from its schedule")
        return value


class Timetable(BaseModel):
    """When a schedule is due, and what becomes of due times that were missed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    cron: Annotated[
        str | None,
        Field(
            max_length=LONGEST_CRON,
            description="Cron expression of 5 fields (minute, hour, day of month, month, weekday), of 6 with "
            "the seconds first, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. One that names "
            "hours goes by the clock on the wall of its zone: a time that it skips counts right behind "
            "the gap, and one that comes twice counts once. One for every hour goes by real time.",
            examples=["30 2 * * MON-FRI"],
        ),
    ] = None
    zone: Annotated[
        str,
        Field(
            max_length=LONGEST_ZONE,
            description="IANA time zone of the cron expression. Without it, `UTC`.",
            examples=["Europe/Berlin"],
        ),
    ] = "UTC"
    interval: Annotated[
        float | None,
        Field(
            ge=1,
            le=LONGEST_INTERVAL,
            description="Seconds between two due times, instead of `cron`; counted from `start`, which is "
            "due itself, or from the creation of the schedule.",
        ),
    ] = None
    start: Annotated[
        Moment | None, Field(description="Nothing is due before this time; it needs an offset.")
    ] = None
    end: Annotated[
        Moment | None, Field(description="Nothing is due after this time; it needs an offset.")
    ] = None
    misfire: Annotated[
        Misfire,
        Field(
            description="What becomes of due times that were missed, as no scheduler was there. `skip`: "
            "nothing. `once`, as without this field: one job makes up for all, for the latest of them. "
            "`all`: each gets its job, but no more than the latest `misfire_limit`."
        ),
    ] = "once"
    misfire_limit: Annotated[
        int,
        Field(ge=1, le=MOST_MADE_UP, description="Most due times that `all` makes up for; 10 without it."),
        fields.WHOLE,
    ] = 10
    misfire_after: Annotated[
        float,
        Field(
            ge=SHORTEST_LATENESS,
            le=LONGEST_LATENESS,
            description="Seconds after which a due time counts as missed; 60 without it.",
        ),
    ] = 60

    @field_validator("start", "end")
    @classmethod
    def _moment_is_usable(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        if not _FIRST_YEAR < value.year < _END_YEAR:
            raise ValueError(f"must lie in the years from {_FIRST_YEAR + 1} to {_END_YEAR - 1}")
        return value.astimezone(UTC)


class ScheduleDefinition(Timetable):
    """What a schedule is to be."""

    description: Annotated[str, Field(max_length=4000, description="Description, for people.")] = ""
    job: ScheduledJob = Field(description="The job that each due time submits.")


class ScheduleRequest(ScheduleDefinition):
    """The body of a request to create or to change a schedule: all of it, and why."""

    reason: Reason = ""

    @property
    def definition(self) -> ScheduleDefinition:
        """What the schedule is to be, without the reason."""
        return ScheduleDefinition.model_validate(self.model_dump(exclude={"reason"}, exclude_unset=True))


class ScheduleReason(Action):
    """The optional body of a request to pause or to resume a schedule."""


class ScheduleRun(Action):
    """The optional body of a request to run a schedule now."""

    idempotency_key: Annotated[
        IdempotencyKeyText | None,
        Field(description="Your own name for this request, as in the header `Idempotency-Key`."),
    ] = None


ScheduleState = Literal["active", "paused", "ended"]
Outcome = Literal["submitted", "skipped", "refused", "missed", "pending"]
ScheduleAction = Literal["created", "changed", "paused", "resumed", "run", "missed", "ended", "deleted"]


class ScheduleFiring(Answer):
    """What became of a due time, or of a request to run the schedule now."""

    due_at: datetime = Field(description="The due time, in UTC; when it was requested, for a run by hand.")
    trigger: Literal["due", "hand"] = Field(description="Whether it was due, or someone ran it by hand.")
    outcome: Outcome = Field(
        description="`submitted`: its job is in the line of its lock, or has been. `skipped`: the lock had a "
        "job already, and `on_conflict` is `skip`. `refused`: its job could not be submitted; `detail` says "
        "why. `missed`: no job, by the rule for missed due times; `due_at` is the last of them. `pending`: a "
        "scheduler submits its job as soon as the storage answers."
    )
    job_id: fields.JobUuid | None = Field(
        description="Id of its job, or of the job that was there already; null when there is none."
    )
    detail: str = Field(description="Why there is no job, for people; empty when there is one.")
    at: datetime = Field(description="When this was known, in UTC.")


class Schedule(Answer):
    """A schedule as the API returns it."""

    name: str = Field(description="Name of the schedule.")
    state: ScheduleState = Field(
        description="`active`; `paused`: nothing is due until it is resumed; `ended`: nothing is due "
        "any more."
    )
    description: str = Field(description="Description, for people; empty when it has none.")
    cron: str | None = Field(description="Cron expression; null when it goes by an interval.")
    words: str = Field(description="When it is due, in words.")
    zone: str = Field(description="IANA time zone of the cron expression.")
    interval: float | None = Field(description="Seconds between two due times; null when it goes by cron.")
    start: datetime | None = Field(description="Nothing is due before this time; null without a start.")
    end: datetime | None = Field(description="Nothing is due after this time; null without an end.")
    misfire: Misfire = Field(description="What becomes of due times that were missed.")
    misfire_limit: int = Field(description="Most due times that `all` makes up for.")
    misfire_after: float = Field(description="Seconds after which a due time counts as missed.")
    job: dict[str, JsonValue] = Field(description="The job that each due time submits, as it was asked for.")
    next: list[datetime] = Field(
        description=f"The next due times, in UTC, at most {TOLD}; none unless it is active."
    )
    last: ScheduleFiring | None = Field(
        description="What became of the latest due time; null before the first."
    )
    created_at: datetime = Field(description="When it was created, in UTC.")
    created_by: str = Field(description="Who created it.")
    changed_at: datetime = Field(description="When someone changed it last, in UTC.")
    changed_by: str = Field(description="Who changed it last.")
    paused_at: datetime | None = Field(description="When it was paused, in UTC; null unless it is paused.")
    paused_by: str | None = Field(description="Who paused it; null unless it is paused.")
    pause_reason: str | None = Field(description="The reason given then; null without one.")


class ScheduleDetails(Schedule):
    """A schedule, and what became of its latest due times."""

    last_status: JobStatus | None = Field(
        description="What the job of the latest due time does now, or how it ended; null when there is none, "
        "and when it was removed."
    )
    history: list[ScheduleFiring] = Field(
        description=f"What became of the latest due times, the latest first; at most {REMEMBERED}."
    )


class ScheduleEvent(Answer):
    """One immutable fact about a schedule: who changed it, when, why and how."""

    id: fields.JobUuid = Field(description="Id of the event; ids sort by time.")
    schedule: str = Field(description="Name of the schedule.")
    action: ScheduleAction = Field(
        description="What happened. `missed`: due times were left out by the rule for missed ones. `ended`: "
        "the last due time is over."
    )
    actor: str = Field(description="Who did it: the caller, or the scheduler.")
    reason: str = Field(description="The reason given; empty without one.")
    timestamp_utc: datetime = Field(description="When it happened, in UTC.")
    data: dict[str, Any] = Field(
        description="More about it: `changes` has each changed field with its value `from` and `to`; "
        "`job_id` the job of a run by hand; `count` the missed due times, 1,000 for all above."
    )


def definition_of(schedule: Schedule) -> ScheduleDefinition:
    """Return what a schedule is to be, as the API returned it."""
    return ScheduleDefinition.model_validate(
        {name: getattr(schedule, name) for name in ScheduleDefinition.model_fields}
    )


def is_same(one: ScheduleDefinition, other: ScheduleDefinition) -> bool:
    """Return whether two definitions say the same; a lock that is named differs from none."""
    return one == other and _names_lock(one) == _names_lock(other)


def changed_fields(old: ScheduleDefinition | None, new: ScheduleDefinition) -> dict[str, dict[str, Any]]:
    """Return each field that differs, with its value `from` and `to`; of a new schedule, what it says."""
    before = {} if old is None else _plain(old)
    after = _plain(new) if old is not None else _said(new)
    return {
        name: {"from": before.get(name), "to": after.get(name)}
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }


def _plain(asked: ScheduleDefinition) -> dict[str, Any]:
    plain: dict[str, Any] = asked.model_dump(mode="json")
    job = plain.pop("job")
    if not _names_lock(asked):
        job["lock"] = None
    return plain | {f"job.{name}": value for name, value in job.items()}


def _said(asked: ScheduleDefinition) -> dict[str, Any]:
    plain = asked.model_dump(mode="json", exclude_defaults=True)
    return plain | {"job": asked.job.model_dump(mode="json", exclude_unset=True)}


def _names_lock(asked: ScheduleDefinition) -> bool:
    return "lock" in asked.job.model_fields_set
