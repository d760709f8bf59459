"""The mapping of an input: which job a message becomes."""

from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
)

from contracts.fields import WHOLE
from contracts.jobs import PropertyName, Submission
from contracts.policies import LONGEST_WAIT, OnConflict
from inputs.port import Delivery, Refusal, RefusalReason
from inputs.templates import MessageTemplate, MessageValues, NoValueError, check_templates, filled
from submission.fields import field_problems, summary

#: The properties of a job that say which input submitted it, for which message.
INPUT_PROPERTY, MESSAGE_PROPERTY = "input", "message_id"

#: Longest key of a message: it is a property of its job.
LONGEST_KEY = 256

_MESSAGE_ID = "{id}"

_MOST_DIGITS = 10


class RefusedError(Exception):
    """A message can never become a job."""

    def __init__(self, reason: RefusalReason, explanation: str) -> None:
        super().__init__(explanation)
        self.refusal = Refusal(reason, explanation)


def _usable(value: Any) -> Any:
    check_templates(value)
    return value


Template = Annotated[str, Field(min_length=1), AfterValidator(_usable)]
Parameters = Annotated[dict[str, JsonValue], AfterValidator(_usable)]


class JobMapping(BaseModel):
    """What the job of each message is: fixed values, and templates that the message fills."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    #: What tells messages apart: two with the same are the same message.
    id: Template = _MESSAGE_ID
    kind: Template
    #: Without it, the lock that the kind makes of the parameters.
    lock: Template | None = None
    #: An object with templates in it, or the place of an object in the message.
    parameters: Template | Parameters = "{body}"
    name: Template | None = None
    description: Template | None = None
    priority: Annotated[int, Field(ge=0, le=9), WHOLE] | Template | None = None
    properties: dict[PropertyName, Template] = Field(default_factory=dict, max_length=30)
    expires_in: Annotated[float | None, Field(gt=0, le=LONGEST_WAIT)] = None
    timeout: Annotated[float | None, Field(gt=0, le=LONGEST_WAIT)] = None
    on_conflict: OnConflict | None = None

    @field_validator("properties")
    @classmethod
    def _properties_are_left(cls, value: dict[str, str]) -> dict[str, str]:
        for name in (INPUT_PROPERTY, MESSAGE_PROPERTY):
            if name in value:
                raise ValueError(f"must not contain {name!r}, which each job gets from its input")
        return value

    def job(self, delivery: Delivery, identity: str) -> tuple[str, Submission]:
        """Return what tells a message apart, and the job that it asks for, still without an id.

        `identity` is that of its input. Raises RefusedError.
        """
        values = MessageValues(delivery)
        key = self._key(delivery, values)
        given = self.model_dump(exclude={"id"}, exclude_none=True)
        asked = {field: _filled(field, value, values) for field, value in given.items()}
        asked["properties"] |= {INPUT_PROPERTY: identity, MESSAGE_PROPERTY: key}
        try:
            return key, Submission.model_validate(asked)
        except ValidationError as error:
            explanation = summary(field_problems(list(error.errors()), model=Submission))
            raise RefusedError(RefusalReason.INVALID_JOB, explanation) from None

    def _key(self, delivery: Delivery, values: MessageValues) -> str:
        if self.id == _MESSAGE_ID and not delivery.message_id:
            explanation = "the message has no id; send one, or name in job.id what tells messages apart"
            raise RefusedError(RefusalReason.NO_ID, explanation)
        key = str(_filled("id", self.id, values))
        if len(key) > LONGEST_KEY:
            explanation = f"job.id: has at most {LONGEST_KEY} characters, and this message makes {len(key):,}"
            raise RefusedError(RefusalReason.NO_ID, explanation)
        return key


def _filled(field: str, value: Any, values: MessageValues) -> Any:
    try:
        if field == "parameters":
            return filled(value, values)
        if field == "properties":
            return {name: MessageTemplate.read(text).text(values) for name, text in value.items()}
        if not isinstance(value, str):
            return value
        if field == "priority":
            return _as_number(filled(value, values))
        return MessageTemplate.read(value).text(values)
    except NoValueError as error:
        raise RefusedError(error.reason, f"job.{field}: {error}") from None


def _as_number(value: Any) -> Any:
    """Return the number that a text writes, as properties of messages are texts; else the value."""
    is_number = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _MOST_DIGITS
    return int(value) if is_number else value
