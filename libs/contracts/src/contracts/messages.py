"""What travels through RabbitMQ: versioned, strict bodies. A message that does not parse is quarantined."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.jobs import Event, Submission


class Message(BaseModel):
    """A message body; unknown fields and other versions are refused."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1


class RunJob(Message):
    """The wake-up: "this lock has work". `job_id` is for people and traces only."""

    lock: str
    job_id: str | None = None
    #: A deferred copy: a worker that finds the lock held defers it again instead of dropping it.
    is_deferred_copy: bool = False
    #: The lock was just released: try at once.
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
    """Something happened that a worker may want to look at; if it is lost, only time is lost."""

    what: Literal["cancel_requested"]
    lock: str
    job_id: str
