"""What travels through RabbitMQ: versioned, strict bodies. A message that does not parse is quarantined."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.jobs import Submission

#: Number of an event; JSON knows no larger ones for certain.
_EventNumber = Annotated[int, Field(ge=1, le=2**53)]

#: Most announcements in one message.
MOST_ANNOUNCED = 200

#: Values of a row of the journal.
_StoredValues = dict[str, str | int | float | bool | None]


class Message(BaseModel):
    """A message body; unknown fields and other versions are refused."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1


#: Header of a wake-up: how many slots of its lock are worth a look. Absent for a lock that never had a limit;
#: not in the body, as earlier releases refuse fields that they do not know.
SLOTS_HEADER = "turnstile-slots"


class RunJob(Message):
    """The wake-up: "this lock has work". `job_id` is for people and traces only."""

    lock: str
    job_id: str | None = None
    #: A deferred copy: a worker that finds the lock held defers it again instead of dropping it.
    is_deferred_copy: bool = False
    #: The lock was just released: try at once.
    released: bool = False


class SubmitJob(Message):
    """Asks for a job without HTTP; has a job id or an idempotency key, so that a redelivery adds no job."""

    job: Submission
    actor: str = "rabbitmq"


class JobEvents(Message):
    """The journal has new events of a job, from `first` to `last`; the audit-projector reads them there."""

    lock: str
    job_id: str
    first: _EventNumber
    last: _EventNumber

    @model_validator(mode="before")
    @classmethod
    def _named_by_their_numbers(cls, body: object) -> object:
        """Read a message of a release that sent whole events; one may still wait in its queue."""
        match body:
            case {"events": [{"job_id": job_id, "seq": only}], **rest}:
                return {**rest, "job_id": job_id, "first": only, "last": only}
            case {"events": [{"job_id": job_id, "seq": first}, *_, {"seq": last}], **rest}:
                return {**rest, "job_id": job_id, "first": first, "last": last}
        return body


class AnnouncedEvents(BaseModel):
    """New events of one job, from `first` to `last`, and what the journal has of them."""

    model_config = ConfigDict(extra="forbid")

    lock: str
    job_id: str
    first: _EventNumber
    last: _EventNumber
    traceparent: str | None = None
    #: The events without what the other fields say, and the job as of the last one; None where only their
    #: numbers are sent. They are believed only in a message with a valid seal.
    events: list[_StoredValues] | None = None
    job: _StoredValues | None = None


class EventGroup(Message):
    """Announcements of many jobs. The message about one job that earlier releases sent is read, too."""

    items: Annotated[list[AnnouncedEvents], Field(min_length=1, max_length=MOST_ANNOUNCED)]

    @model_validator(mode="before")
    @classmethod
    def _of_one_job(cls, body: object) -> object:
        """Read a message of a release that sent one for each job; one may still wait in its queue."""
        if not isinstance(body, dict) or "items" in body:
            return body
        about: dict[str, Any] = JobEvents.model_validate(body, strict=True).model_dump()
        return {"version": about.pop("version"), "items": [about]}


class Hint(Message):
    """Something happened that a worker may want to look at; if it is lost, only time is lost."""

    what: Literal["cancel_requested"]
    lock: str
    job_id: str
