"""What the OpenAPI document contains beyond the handlers' signatures."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import Field

from contracts import lock_names
from contracts.jobs import Batch, Cancellation, Submission
from publisher.http.problems import MEDIA_TYPE, Problem
from publisher.use_cases.stream import ProgressReport

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
    {"name": "jobs", "description": "Submit, follow and cancel jobs."},
    {"name": "locks", "description": "Holders of locks and waiting jobs."},
    {"name": "workers", "description": "Workers and the kinds of jobs that they know."},
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

#: The body of a cancellation, which may be left out.
CANCEL_JOB: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Cancellation"},
                "example": {"reason": "wrong month"},
            },
        },
    }
}

#: The stream's answers. A schema of `text/event-stream` is that of one event.
STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The job's events and progress, until the job ends.",
        "content": {
            "text/event-stream": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "event": {
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
            }
        },
    },
    204: {"description": "The job has ended and `Last-Event-ID` names its last event."},
}

_MEANINGS = {
    400: "The body is not JSON.",
    404: "Nothing exists under this id or name.",
    409: "`job_id_used`: the id is in use; the problem names its job, if there is one. "
    "`cancel_too_late`: the job has ended; the problem names its final status.",
    413: "The body is larger than 256 KiB, or that of a batch than 8 MiB.",
    415: "The body is not declared as JSON.",
    422: "Fields or parameters are invalid; `errors` lists each with the reason.",
    500: "An unexpected error; the log of the publisher has the details.",
    503: "The storage does not answer, or RabbitMQ where it is asked, or too many clients follow jobs; try "
    "again after the seconds in `Retry-After`.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for handlers."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document with the schemas that no handler's signature names."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                routes=app.routes,
                tags=TAGS,
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            for model in (Problem, Submission, Batch, Cancellation, ProgressReport):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
