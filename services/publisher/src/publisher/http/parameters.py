"""The parameters of requests, and what handlers depend on."""

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response

from contracts import lock_names
from contracts.following import MOST_WAIT_SECONDS
from publisher.http.documentation import (
    ACTOR_FORMAT,
    CURSOR,
    EVENTS_CURSOR,
    LOCK_NAME,
    LOCKS_CURSOR,
    NUMBER_CURSOR,
)
from publisher.http.problems import KEY_HEADER, invalid_fields
from publisher.tracing import traceresponse
from publisher.use_cases import UseCases
from publisher.use_cases.events import MOST_EVENTS
from read_models import CursorError
from submission import ActorError, FieldProblem, caller
from submission.actors import MAX_LENGTH

#: Headers that have one value each.
_HEADERS = (KEY_HEADER, "X-Actor", "Last-Event-ID")


async def name_the_trace(response: Response) -> None:
    """Add the header that names the trace of the answer."""
    response.headers.update(traceresponse())


async def one_value_each(request: Request) -> None:
    """Refuse a request that has a header twice of which one would count: it is not known which is meant."""
    repeated = [name for name in _HEADERS if len(request.headers.getlist(name)) > 1]
    if repeated:
        message = "is sent more than once; send it once"
        raise invalid_fields([FieldProblem(field=name, message=message) for name in repeated])


#: What happens before the handler of every path.
FIRST = (Depends(name_the_trace), Depends(one_value_each))


# These are coroutines, as the framework would run functions in a thread.
async def _use_cases(request: Request) -> UseCases:
    use_cases: UseCases = request.app.state.use_cases
    return use_cases


async def _actor(
    x_actor: Annotated[
        str,
        Header(
            description=f"Name of the caller for the audit trail; at most {MAX_LENGTH} printable characters.",
            json_schema_extra={"format": ACTOR_FORMAT, "minLength": 1},
        ),
    ] = "api",
) -> str:
    try:
        # Header fields arrive as Latin-1 although clients write UTF-8 (RFC 9110 section 5.5).
        name = x_actor.encode("latin-1").decode()
    except UnicodeError:
        name = x_actor
    try:
        return caller(name)
    except ActorError as error:
        raise invalid_fields([FieldProblem(field="X-Actor", message=str(error))]) from None


async def _number(
    cursor: Annotated[Annotated[str, NUMBER_CURSOR] | None, Query(description=CURSOR)] = None,
) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 9):
        raise CursorError
    return int(cursor)


Uses = Annotated[UseCases, Depends(_use_cases)]
Actor = Annotated[str, Depends(_actor)]
JobId = Annotated[str, Path(description="The job's id.", json_schema_extra={"format": "uuid"})]
LockName = Annotated[str, Path(description=LOCK_NAME, json_schema_extra={"format": lock_names.FORMAT})]
WorkerName = Annotated[str, Path(description="The worker's name.", examples=["host-1/7"])]
Limit = Annotated[int, Query(ge=1, le=200, description="Maximum number of items in the answer.")]
EventsLimit = Annotated[
    int, Query(ge=1, le=MOST_EVENTS, description="Maximum number of items in the answer.")
]
EventsCursor = Annotated[Annotated[str, EVENTS_CURSOR] | None, Query(description=CURSOR)]
LocksCursor = Annotated[Annotated[str, LOCKS_CURSOR] | None, Query(description=CURSOR)]
#: Number of the last event of the page before; 0 for the first page.
After = Annotated[int, Depends(_number)]
WaitSeconds = Annotated[
    int,
    Query(
        ge=0,
        le=MOST_WAIT_SECONDS,
        description="Seconds to wait for the end of the job; 0, which is the default, does not wait.",
    ),
]
LastEventId = Annotated[
    int, Header(ge=0, le=10**9, description="Number of the last event that the client has; browsers send it.")
]
