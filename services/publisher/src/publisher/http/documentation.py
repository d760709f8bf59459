"""What the OpenAPI document contains beyond the handlers' signatures."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, Field
from pydantic.json_schema import JsonSchemaMode

from contracts import lock_names
from contracts.actions import Cancellation, Finalization, LimitChange, Pinning, Retry, WorkerOrder
from contracts.following import JobResult, ProgressReport
from contracts.jobs import Accepted, Batch, Job, Submission
from contracts.schedules import ScheduleReason, ScheduleRequest, ScheduleRun
from publisher.http import links, schemas
from publisher.http.examples import ANSWERS, EXISTING, NOT_ENDED, PROBLEMS
from publisher.http.problem import MEDIA_TYPE, Problem
from publisher.http.schedule_examples import SCHEDULE_ANSWERS

CURSOR = "Pagination cursor: the `next` value of the previous page."

LOCK_NAME = (
    f"At most {lock_names.MAX_LENGTH} visible characters and spaces; not . or .. alone. Leading and trailing "
    "spaces are removed, Unicode is normalised, and upper and lower case differ."
)

#: Texts that no pattern describes have formats of their own.
ACTOR_FORMAT = "actor"
JOBS_CURSOR = Field(max_length=2000, json_schema_extra={"format": "jobs-cursor"})
EVENTS_CURSOR = Field(max_length=1000, json_schema_extra={"format": "events-cursor"})
LOCKS_CURSOR = Field(max_length=1000, json_schema_extra={"format": "locks-cursor"})
NUMBER_CURSOR = Field(json_schema_extra={"pattern": "^[0-9]{1,9}$"})

DESCRIPTION = """
Turnstile runs long jobs **one at a time per lock**, on any number of workers, and can prove it afterwards.

Lists are `{"items": [...], "next": cursor|null}`. Errors are problem documents (RFC 9457). A `traceparent`
header makes the job part of your trace. The `traceresponse` header of an answer and the `trace_id` of a
problem name that trace: quote it when you ask for help. `X-Actor` names you in the audit trail.
"""

TAGS = [
    {"name": "jobs", "description": "Submit, follow, cancel, retry, finalize and pin jobs."},
    {"name": "locks", "description": "Holders of locks and waiting jobs."},
    {"name": "schedules", "description": "Recurring jobs."},
    {"name": "workers", "description": "Workers, and the kinds of jobs that they know."},
    {"name": "messages", "description": "Messages in RabbitMQ that no service could use."},
    {
        "name": "aliases",
        "description": "Paths of the systems that Turnstile replaces. They stay; new programs use `/api/v1`.",
    },
]

_EXAMPLES = {
    "demonstration": {
        "summary": "Ten steps of half a second",
        "value": {"kind": "ten-steps", "lock": "ledger-2026", "parameters": {"seconds": 0.5}},
    },
    "checksum": {
        "summary": "A file's digest; your own job id makes the request repeatable",
        "value": {
            "kind": "checksum-file",
            "lock": "ledger-2026",
            "parameters": {"path": "ledger.csv"},
            "name": "Digest of the ledger",
            "priority": 3,
            "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
            "properties": {"team": "accounts"},
        },
    },
}

#: The request body, which the handler reads by itself to be able to say precisely what is wrong with it.
SUBMIT_JOB: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Submission"},
                "examples": _EXAMPLES,
            },
        },
    }
}

#: The body of a batch.
SUBMIT_BATCH: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Batch"},
                "example": {"jobs": [example["value"] for example in _EXAMPLES.values()]},
            },
        },
    }
}


def _body(model: type[BaseModel], *, is_required: bool = False, **example: object) -> dict[str, Any]:
    """Describe a body, which may be left out unless it is required."""
    content = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}, "example": example}
    return {"requestBody": {"required": is_required, "content": {"application/json": content}}}


CANCEL_JOB = _body(Cancellation, reason="wrong month")
FINALIZE_JOB = _body(Finalization, reason="corrected by hand")
PIN_JOB = _body(Pinning, reason="the auditors ask for it")
SET_LIMIT = _body(LimitChange, is_required=True, limit=3, reason="the ledger takes three writers")
TELL_WORKER = _body(WorkerOrder, is_required=True, takes_jobs=False, reason="update of the host")
RETRY_JOB = _body(Retry, reason="the ledger is open again", parameters={"seconds": 1})
SCHEDULE_REASON = _body(ScheduleReason, reason="month's end")
SCHEDULE_RUN = _body(ScheduleRun, reason="the numbers are in")

#: The body of a request to create or to change a schedule.
PUT_SCHEDULE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ScheduleRequest"},
                "examples": {
                    "cron": {
                        "summary": "Working days at half past two in Berlin, unless the last job still runs",
                        "value": {
                            "cron": "30 2 * * MON-FRI",
                            "zone": "Europe/Berlin",
                            "job": {"kind": "ten-steps", "lock": "ledger-2026", "on_conflict": "skip"},
                        },
                    },
                    "interval": {
                        "summary": "Every quarter of an hour, with a job for each time that was missed",
                        "value": {
                            "interval": 900,
                            "misfire": "all",
                            "misfire_limit": 96,
                            "job": {"kind": "checksum-file", "parameters": {"path": "ledger.csv"}},
                        },
                    },
                },
            },
        },
    }
}

#: One message of the stream: a schema of `text/event-stream` is that of one.
_STREAM_MESSAGE = {
    "type": "object",
    "description": "A message of the stream of a job.",
    "properties": {
        "event": {
            "type": "string",
            "enum": ["job_event", "progress"],
            "description": "Whether `data` is an event of the job, or how far the job is.",
        },
        "id": {"type": "string", "description": "The event's number; none for progress."},
        "data": {
            "type": "string",
            "description": "The event or the progress, as JSON.",
            "contentMediaType": "application/json",
            "contentSchema": {
                "anyOf": [
                    {"$ref": "#/components/schemas/Event"},
                    {"$ref": "#/components/schemas/ProgressReport"},
                ]
            },
        },
    },
    "required": ["event", "data"],
}

#: The stream's answers.
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The job's events and progress, until the job ends.",
        "content": {
            "text/event-stream": {
                "schema": {"$ref": "#/components/schemas/StreamMessage"},
            }
        },
    },
    204: {"description": "The job has ended and `Last-Event-ID` names its last event."},
}

_MEANINGS = {
    400: "The body is not JSON.",
    404: "Nothing exists under this id or name.",
    409: "`job_id_used`: the id is in use; the problem names its job, if there is one. "
    "`cancel_too_late`: the job has ended; the problem names its final status. `lock_busy`: a job of the "
    "lock waits or runs, and `on_conflict` is `reject`; the problem names the job. `too_many_waiting`: more "
    "jobs wait than a submission can replace. `job_failed`, `job_cancelled`, `job_timed_out`, `job_expired`: "
    "the job ended like this, without a result. `cannot_be_retried`: the job waits, runs or has completed. "
    "`already_retried`: the job was retried with another request; the problem names the new job. "
    "`history_removed`: what the retry would continue with was removed; send `fresh` as true. "
    "`cannot_be_finalized`: the job waits, runs or has completed. `cannot_be_pinned`: it waits or runs.",
    410: "`job_removed`: the job has ended and was removed, by `turnstile prune` or as its time was over; "
    "its id stays in use.",
    413: "The body is larger than 256 KiB, that of a batch than 8 MiB, or that of a schedule than 64 KiB.",
    415: "The body is not declared as JSON.",
    422: "Fields or parameters are invalid; `errors` lists each with the reason. "
    "`idempotency_key_used`: the key belongs to another request.",
    500: "An unexpected error; the log of the publisher has the details.",
    503: "The storage does not answer, or RabbitMQ where it is asked, or too many clients follow jobs or "
    "wait for results; try again after the seconds in `Retry-After`.",
}


_LOCATION = {"description": "Path of the job.", "schema": {"type": "string", "format": "uri-reference"}}
_RETRY_AFTER = {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}

#: The answers about a result, where there is no problem.
RESULT: dict[int | str, dict[str, Any]] = {
    200: {"model": JobResult, "description": "The job has completed."},
    202: {
        "model": Accepted,
        "description": "The job has not ended.",
        "headers": {"Retry-After": _RETRY_AFTER},
        "content": {"application/json": {"example": NOT_ENDED}},
    },
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for handlers."""
    return {status: _problem(status) for status in statuses}


def _problem(status: int) -> dict[str, Any]:
    content = {
        "schema": {"$ref": "#/components/schemas/Problem"},
        "examples": {example["type"].rpartition(":")[2]: {"value": example} for example in PROBLEMS[status]},
    }
    described: dict[str, Any] = {"description": _MEANINGS[status], "content": {MEDIA_TYPE: content}}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        described["headers"] = {"Retry-After": _RETRY_AFTER}
    return described


def _earlier(model: type[BaseModel], description: str, **example: Any) -> dict[int | str, dict[str, Any]]:
    """Describe the answer to a request that an earlier one has carried out."""
    described: dict[str, Any] = {"model": model, "description": description}
    if example:
        described["content"] = {"application/json": example}
    return {status: described | linked for status, linked in links.SUBMITTED_EARLIER.items()}


#: The answers to a submission, a retry and a finalization, but for those that every operation has.
SUBMITTED = (
    answers(400, 409, 410, 413, 415)
    | links.SUBMITTED
    | _earlier(
        Accepted,
        "Nothing was added: the job was accepted earlier with the same idempotency key, or the lock has this "
        "job already and `on_conflict` is `skip`.",
        example=EXISTING,
    )
)
RETRIED = (
    answers(400, 404, 409, 410, 413, 415)
    | links.SUBMITTED
    | _earlier(Accepted, "Nothing was added: the same request has retried the job earlier.", example=EXISTING)
)
FINALIZED = (
    answers(400, 404, 409, 410, 413, 415)
    | links.FINALIZED
    | _earlier(Job, "Nothing was changed: the job was finalized earlier.")
)


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document with what no handler's signature names."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=TAGS,
                license_info=app.license_info,
            )
            _add_schemas(document["components"]["schemas"])
            _add_examples(document)
            schemas.complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_schemas(known: dict[str, Any]) -> None:
    for model in (
        Problem,
        Submission,
        Batch,
        Cancellation,
        Finalization,
        LimitChange,
        Pinning,
        Retry,
        WorkerOrder,
        ScheduleReason,
        ScheduleRequest,
        ScheduleRun,
    ):
        _add_schema(known, model, "validation")
    _add_schema(known, ProgressReport, "serialization")
    known["StreamMessage"] = _STREAM_MESSAGE
    # The models of the batch leave to each job what they cannot check for all at once.
    known["Batch"]["properties"]["jobs"]["items"] = {"$ref": "#/components/schemas/Submission"}
    problem = known["BatchItem"]["properties"]["problem"]
    problem["anyOf"] = [{"$ref": "#/components/schemas/Problem"}, {"type": "null"}]
    for unused in ("HTTPValidationError", "ValidationError"):
        known.pop(unused, None)


def _add_schema(known: dict[str, Any], model: type[BaseModel], mode: JsonSchemaMode) -> None:
    schema = model.model_json_schema(mode=mode, ref_template="#/components/schemas/{model}")
    known |= schema.pop("$defs", {}) | {model.__name__: schema}


def _add_examples(document: dict[str, Any]) -> None:
    known = {**ANSWERS, **SCHEDULE_ANSWERS}
    for methods in document["paths"].values():
        for operation in methods.values():
            name = operation["operationId"].removesuffix("_alias")
            for status in {"200", "201", "202"} & operation["responses"].keys():
                answer = operation["responses"][status]
                if name in known:
                    answer["content"]["application/json"].setdefault("example", known[name])
                if name in {"submit_job", "retry_job"}:
                    answer["headers"] = {"Location": _LOCATION}
