"""The paths of the systems that Turnstile replaces. They keep their meaning; handlers are those of v1."""

from http import HTTPStatus

from fastapi import APIRouter

from publisher.http import links
from publisher.http.documentation import SUBMIT_JOB, SUBMITTED, answers
from publisher.http.parameters import FIRST
from publisher.http.routes import list_events, list_job_events, submit_job

router = APIRouter(prefix="/api", tags=["aliases"], responses=answers(422, 500, 503), dependencies=FIRST)

router.add_api_route(
    "/jobs",
    submit_job,
    methods=["POST"],
    name="submit_job_alias",
    status_code=HTTPStatus.ACCEPTED,
    summary="Submit a job (alias)",
    description="Alias of `POST /api/v1/jobs`.",
    response_description="The job is in the journal and will end exactly once.",
    responses=SUBMITTED,
    openapi_extra=SUBMIT_JOB,
)
router.add_api_route(
    "/jobs",
    list_events,
    name="list_events_alias",
    summary="List recent events (alias)",
    response_description="A page of events.",
    description="Alias of `GET /api/v1/events`: events, not jobs. `GET /api/v1/jobs` lists jobs.",
    responses=links.RECENT_EVENTS,
)
router.add_api_route(
    "/jobs/{job_id}",
    list_job_events,
    name="list_job_events_alias",
    summary="List the events of a job (alias)",
    response_description="A page of events.",
    description="Alias of `GET /api/v1/jobs/{job_id}/events`: events, not the job.",
    responses=answers(404, 410) | links.EVENTS,
)
