"""Messages between supervisor and runner: JSON objects with a `type`, see `wire` for their framing."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from contracts.policies import JobPolicy
from turnstile.channels import NAMING

#: Most characters of a log message, an error message and a traceback; what is beyond is cut off.
MAX_TEXT = 16_384


#: A span as plain JSON. Who makes it and who reads it agree on what is in it (service_defaults.span_relay).
SpanData = dict[str, Any]


class Message(BaseModel):
    """A message; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Start(Message):
    """To the runner: run this job."""

    type: Literal["start"] = "start"
    #: Number of this run on this runner; later messages of a handler's stray threads carry an old one.
    run: int
    job_id: str
    kind: str
    lock: str
    attempt: int
    interruptions: int
    fence: int
    #: The slot of the lock; each has fences of its own.
    slot: int = 0
    traceparent: str | None
    #: W3C trace context that the handler runs in.
    run_traceparent: str | None = None
    #: JSON object.
    parameters: str
    #: JSON of the results of recorded steps, by name, that no `History` had.
    recorded: dict[str, str] = {}
    #: The rule by which steps are named (`turnstile.step_names`).
    naming: int = NAMING
    #: JSON.
    state: str | None
    #: What earlier attempts showed last.
    progress_value: float | None = None
    progress_limit: float | None = None
    #: JSON object.
    properties: str = "{}"


class History(Message):
    """To the runner: results of recorded steps of the run that the next `Start` begins."""

    type: Literal["history"] = "history"
    #: JSON by the step's name.
    recorded: dict[str, str]


class Cancel(Message):
    """To the runner: stop the handler; the reason stands in the cell."""

    type: Literal["cancel"] = "cancel"


class Answer(Message):
    """To the runner: a step or state is committed, or was refused for good."""

    type: Literal["answer"] = "answer"
    number: int
    error: str | None = None


class KindMessage(Message):
    """A kind that the runner can run."""

    kind: str
    parameters_schema: dict[str, Any]
    timeout_seconds: float | None
    description: str
    policy: JobPolicy = JobPolicy()
    #: Whether its jobs run only in processes that have run no other.
    wants_fresh_process: bool = False
    #: Template of the lock of a submission that names none.
    lock_template: str | None = None


class Hello(Message):
    """From the runner: it is ready, or cannot be."""

    type: Literal["hello"] = "hello"
    kinds: list[KindMessage] = []
    #: The files that its modules came from.
    files: list[str] = []
    error: str | None = None


class Begun(Message):
    """From the runner: it has all of the run, and calls the handler."""

    type: Literal["begun"] = "begun"
    run: int


class RecordStep(Message):
    """From the runner: record a step; wants an answer."""

    type: Literal["step"] = "step"
    run: int
    number: int
    name: str
    result: str
    seconds: float
    state: str | None
    #: The step's span, which ends when this is committed.
    span: SpanData | None = None

    def characters(self) -> int:
        """Return about how much memory it takes while it waits."""
        span = len(str(self.span)) if self.span else 0
        return len(self.name) + len(self.result) + len(self.state or "") + span


class SaveState(Message):
    """From the runner: save state; wants an answer."""

    type: Literal["state"] = "state"
    run: int
    number: int
    state: str

    def characters(self) -> int:
        """Return about how much memory it takes while it waits."""
        return len(self.state)


class Report(Message):
    """From the runner: how far the run is, and which step runs now."""

    type: Literal["report"] = "report"
    run: int
    value: float | None
    limit: float | None
    step: str


class Log(Message):
    """From the runner: a log record of the handler, or of code it uses."""

    type: Literal["log"] = "log"
    level: int
    logger: str
    message: str
    traceback: str | None = None
    extra: dict[str, Any] = {}


class Span(Message):
    """From the runner: a span that has ended."""

    type: Literal["span"] = "span"
    run: int
    span: SpanData
    #: The step whose span it is, which was left by an error; None for a span of the handler's own.
    step: Annotated[str, Field(max_length=250)] | None = None


class Done(Message):
    """From the runner: the handler has ended."""

    type: Literal["done"] = "done"
    run: int
    #: JSON, when it returned.
    result: str | None = None
    #: When it raised.
    error_type: str = ""
    error_message: str = ""
    traceback: str = ""
    #: Full names of the classes of what it raised; empty when there must be no other attempt.
    error_classes: list[Annotated[str, Field(max_length=500)]] = []
    #: Seconds after which it wants to be called again.
    retry_after: float | None = None
    #: Whether it had been asked to stop, by a cancellation or an error of its context.
    was_stopped: bool = False
    #: Whether something of the job may still be alive in the runner, so that it must not be used again.
    is_tainted: bool = False
    #: Why the runner must be replaced; empty when it may be used again.
    replace_because: str = ""
    #: How many spans were not sent, because there were too many.
    dropped_spans: int = 0
    #: When the handler's first line was reached, and when it returned or raised: seconds since the epoch, not
    #: to be trusted. None when it was not called.
    handler_began: float | None = None
    handler_ended: float | None = None


ToRunner = History | Start | Cancel | Answer
FromRunner = Hello | Begun | RecordStep | SaveState | Report | Log | Span | Done

_TO_RUNNER: TypeAdapter[ToRunner] = TypeAdapter(Annotated[ToRunner, Field(discriminator="type")])
_FROM_RUNNER: TypeAdapter[FromRunner] = TypeAdapter(Annotated[FromRunner, Field(discriminator="type")])


def read_to_runner(frame: bytes) -> ToRunner:
    """Read a message of the supervisor. Raises ValidationError."""
    return _TO_RUNNER.validate_json(frame)


def read_from_runner(frame: bytes) -> FromRunner:
    """Read a message of a runner. Raises ValidationError."""
    return _FROM_RUNNER.validate_json(frame)


def write(message: Message) -> bytes:
    """Return a message's frame."""
    return message.model_dump_json().encode()


def clean(text: str, limit: int = MAX_TEXT) -> str:
    """Make text fit to be sent: of bounded length and without lone surrogates."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text):,} characters)"
    return text.encode("utf-8", "replace").decode()


def clean_end(text: str, limit: int = MAX_TEXT) -> str:
    """Make text fit to be sent, as `clean` does, but keep its end: that of a traceback says most."""
    if len(text) > limit:
        text = f"({len(text):,} characters) …{text[-limit:]}"
    return text.encode("utf-8", "replace").decode()
