"""The HTTP API of schedules: every handler translates and delegates."""

import re
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, Field
from starlette.convertors import StringConvertor, register_url_convertor

from contracts.jobs import LONGEST_REASON, Page
from contracts.schedules import (
    MAX_SCHEDULE_BYTES,
    SCHEDULE_NAME,
    Schedule,
    ScheduleDetails,
    ScheduleEvent,
    ScheduleFiring,
    ScheduleReason,
    ScheduleRun,
)
from publisher.http import links
from publisher.http.documentation import CURSOR, PUT_SCHEDULE, SCHEDULE_REASON, SCHEDULE_RUN, answers
from publisher.http.idempotency import IdempotencyKey, the_key
from publisher.http.parameters import FIRST, Actor, Limit, Uses
from publisher.http.problems import WRONG_CURSOR
from publisher.http.request_body import read_body, read_optional_body
from schedules import read_schedule
from submission import read_optional


class _NameConvertor(StringConvertor):
    """A segment of a path that no action follows, so that each action is a path with a method of its own."""

    regex = "(?!.*:(?:pause|resume|run)$)[^/]+"


register_url_convertor("schedule", _NameConvertor())

router = APIRouter(
    prefix="/api/v1/schedules",
    tags=["schedules"],
    responses=answers(422, 500, 503),
    dependencies=FIRST,
)

Name = Annotated[
    str,
    Path(
        description="Name of the schedule: 1 to 64 lower-case letters, digits, dots, dashes and underscores, "
        "with a letter or a digit at both ends.",
        json_schema_extra={"pattern": SCHEDULE_NAME},
    ),
]
NameCursor = Annotated[
    Annotated[str, Field(json_schema_extra={"pattern": SCHEDULE_NAME})] | None, Query(description=CURSOR)
]
_EVENT_ID = "^[0-9a-f-]{36}$"


def _event_cursor(cursor: str) -> str:
    if not re.fullmatch(_EVENT_ID, cursor):
        raise ValueError(WRONG_CURSOR)
    return cursor


EventCursor = Annotated[
    Annotated[str, AfterValidator(_event_cursor), Field(json_schema_extra={"pattern": _EVENT_ID})] | None,
    Query(description=CURSOR),
]
Why = Annotated[str, Query(max_length=LONGEST_REASON, description="Why, for the audit trail.")]

_CHANGES: dict[int | str, dict[str, Any]] = answers(400, 404, 413, 415)


@router.get(
    "",
    summary="List schedules",
    response_description="A page of schedules.",
    responses=links.SCHEDULES,
)
async def list_schedules(uses: Uses, limit: Limit = 100, cursor: NameCursor = None) -> Page[Schedule]:
    """Return the schedules by name, with their next due times and what became of the latest one."""
    return await uses.schedules.all(limit, cursor)


@router.get(
    "/{name:schedule}", summary="Get a schedule", response_description="The schedule.", responses=answers(404)
)
async def get_schedule(name: Name, uses: Uses) -> ScheduleDetails:
    """Return a schedule, its next due times, and what became of the latest ones."""
    return await uses.schedules.get(name)


@router.put(
    "/{name:schedule}",
    summary="Create or change a schedule",
    response_description="The schedule; it was there before.",
    responses=answers(400, 413, 415)
    | {201: {"model": ScheduleDetails, "description": "The schedule; it is new."}},
    openapi_extra=PUT_SCHEDULE,
)
async def put_schedule(
    request: Request, response: Response, name: Name, uses: Uses, actor: Actor
) -> ScheduleDetails:
    """Create a schedule, or let it be what the body says, all of it. The same request again changes nothing.

    Each due time submits one job at most, however many schedulers run; its actor is `schedule:NAME`, and its
    properties `schedule` and `due_at` say why it was submitted. What becomes of it under a busy lock is up to
    `on_conflict` of the job. A change counts from the next due time on, and a paused schedule stays paused.
    """
    asked = read_schedule(await read_body(request, MAX_SCHEDULE_BYTES))
    found, done = await uses.schedules.put(name, asked, actor)
    if done == "created":
        response.status_code = HTTPStatus.CREATED
        response.headers["Location"] = f"/api/v1/schedules/{name}"
    return found


@router.delete(
    "/{name:schedule}",
    summary="Delete a schedule",
    response_description="The schedule as it was.",
    responses=answers(404),
)
async def delete_schedule(name: Name, uses: Uses, actor: Actor, reason: Why = "") -> ScheduleDetails:
    """Delete a schedule. Its jobs stay, and so does its audit trail. What was due before still runs."""
    return await uses.schedules.delete(name, actor, reason.strip())


@router.get(
    "/{name}/events",
    summary="List the events of a schedule",
    response_description="A page of events.",
    responses=answers(404) | links.SCHEDULE_EVENTS,
)
async def list_schedule_events(
    name: Name, uses: Uses, limit: Limit = 100, cursor: EventCursor = None
) -> Page[ScheduleEvent]:
    """Return who created, changed, paused, resumed, ran or deleted a schedule, from the first, and why.

    Also of a schedule that was deleted. Its jobs are in `GET /api/v1/jobs?property=schedule:NAME`.
    """
    return await uses.schedules.events(name, limit, cursor)


@router.post(
    "/{name}:pause",
    summary="Pause a schedule",
    response_description="The schedule as it is now.",
    responses=_CHANGES,
    openapi_extra=SCHEDULE_REASON,
)
async def pause_schedule(request: Request, name: Name, uses: Uses, actor: Actor) -> ScheduleDetails:
    """Let a schedule be due no more until it is resumed. To repeat the request is harmless."""
    return await uses.schedules.pause(name, actor, await _reason(request))


@router.post(
    "/{name}:resume",
    summary="Resume a schedule",
    response_description="The schedule as it is now.",
    responses=_CHANGES,
    openapi_extra=SCHEDULE_REASON,
)
async def resume_schedule(request: Request, name: Name, uses: Uses, actor: Actor) -> ScheduleDetails:
    """Let a schedule be due again from now on: due times of the pause are over. Repeating it is harmless."""
    return await uses.schedules.resume(name, actor, await _reason(request))


@router.post(
    "/{name}:run",
    status_code=HTTPStatus.ACCEPTED,
    summary="Run a schedule now",
    response_description="What became of it.",
    responses=answers(400, 404, 409, 413, 415),
    openapi_extra=SCHEDULE_RUN,
)
async def run_schedule(
    request: Request, name: Name, uses: Uses, actor: Actor, key: IdempotencyKey = None
) -> ScheduleFiring:
    """Submit the job of a schedule now, also of one that is paused; its next due time stays.

    Send an `Idempotency-Key` to be able to repeat the request: it finds the same job.
    """
    asked = read_optional(await read_optional_body(request), ScheduleRun)
    key = the_key(asked.idempotency_key, key)
    return await uses.schedules.run(name, actor, asked.reason, key)


async def _reason(request: Request) -> str:
    return read_optional(await read_optional_body(request), ScheduleReason).reason
