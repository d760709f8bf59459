"""The use cases, put together once per process, and how handlers get at them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Header, Request

from coordination.clients.cancellation import Canceller
from coordination.clients.submission import Submitter
from coordination.ports import Clock, JobRegister, Journal, Notifier
from publisher.cancelling import Cancelling, Hints
from publisher.documentation import ACTOR_FORMAT
from publisher.job_stream import JobStream
from publisher.problems import invalid_fields
from publisher.reading import ReadModels
from publisher.telemetry import RequestTelemetry
from submission import ActorError, FieldProblem, KnownKinds, SubmissionService, usable_actor
from submission.actors import MAX_LENGTH


class HintingNotifier(Notifier, Hints, Protocol):
    """A notifier that also sends hints."""


@dataclass(frozen=True)
class UseCases:
    """What the API can do."""

    journal: Journal
    register: JobRegister
    read_models: ReadModels
    submissions: SubmissionService
    cancelling: Cancelling
    kinds: KnownKinds
    stream: JobStream
    telemetry: RequestTelemetry


def make_use_cases(
    journal: Journal,
    register: JobRegister,
    notifier: HintingNotifier,
    read_models: ReadModels,
    clock: Clock,
    is_stopping: Callable[[], bool] = lambda: False,
) -> UseCases:
    """Put the use cases together."""
    kinds = KnownKinds(read_models, clock)
    return UseCases(
        journal=journal,
        register=register,
        read_models=read_models,
        submissions=SubmissionService(Submitter(journal, register, notifier, clock), kinds),
        cancelling=Cancelling(register, Canceller(journal, notifier, clock), notifier),
        kinds=kinds,
        stream=JobStream(journal, clock, is_stopping),
        telemetry=RequestTelemetry(kinds.knows),
    )


def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


def _actor(
    x_actor: Annotated[
        str,
        Header(
            description=f"Name of the caller for the audit trail; at most {MAX_LENGTH} printable characters.",
            json_schema_extra={"format": ACTOR_FORMAT},
        ),
    ] = "api",
) -> str:
    try:
        # Header fields arrive as Latin-1 although clients write UTF-8 (RFC 9110 section 5.5).
        name = x_actor.encode("latin-1").decode()
    except UnicodeError:
        name = x_actor
    try:
        return usable_actor(name)
    except ActorError as error:
        raise invalid_fields([FieldProblem(field="X-Actor", message=str(error))]) from None


#: Dependencies of handlers.
Uses = Annotated[UseCases, Depends(_use_cases)]
Actor = Annotated[str, Depends(_actor)]
