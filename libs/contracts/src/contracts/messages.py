"""What travels through RabbitMQ: versioned, strict bodies. A message that does not parse is quarantined."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.jobs import Event, Submission


class Message(BaseModel):
    """A message body; unknown fields and other versions are refused."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1


class RunJob(Message):
    """The wake-up: "this lock has work". The job is named for people and traces and believed for nothing."""

    lock: str
    job_id: str | None = None
    #: A deferred copy: whoever finds the lock held defers it again instead of dropping it.
    is_deferred_copy: bool = False
    #: The lock was just given back: worth trying at once.
    released: bool = False


class SubmitJob(Message):
    """Asks for a job without HTTP; must carry a job id, so that a redelivery cannot submit twice."""

    job: Submission
    actor: str = "rabbitmq"


class JobEvents(Message):
    """What one committed transaction recorded, for the audit-projector."""

    lock: str
    events: list[Event]


class Hint(Message):
    """Something happened that a worker may want to look at; losing it costs time only."""

    what: Literal["cancel_requested"]
    lock: str
    job_id: str
