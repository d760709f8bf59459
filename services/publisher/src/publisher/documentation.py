"""What the OpenAPI document says beyond the handlers' signatures."""

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from contracts.jobs import Submission
from publisher.problems import MEDIA_TYPE, Problem

CURSOR = "Where to go on: `next` of the page before."

DESCRIPTION = """
Turnstile runs long jobs **one at a time per lock**, on any number of workers, and can prove it afterwards.

Lists are `{"items": [...], "next": cursor|null}`. Errors are problem documents (RFC 9457). A `traceparent`
header makes the job part of your trace, the answer's `traceresponse` says which trace that is, and so does
`trace_id` in a problem: quote it. `X-Actor` names you in the audit trail.
"""

TAGS = [
    {"name": "jobs", "description": "Submit, follow, cancel."},
    {"name": "locks", "description": "Who holds what, and who waits."},
    {"name": "workers", "description": "Who works, and what they can do."},
]

_EXAMPLES = {
    "demonstration": {
        "summary": "Ten steps of half a second",
        "value": {"kind": "ten-steps", "lock": "ledger-2026", "parameters": {"seconds": 0.5}},
    },
    "checksum": {
        "summary": "A file's digest, repeatable under an id of one's own",
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
            "application/json": {"schema": Submission.model_json_schema(), "examples": _EXAMPLES},
        },
    }
}

_MEANINGS = {
    400: "The body is not JSON.",
    404: "There is no such thing.",
    409: "Too late: `job_id_used` names the job that has the id, `cancel_too_late` says how it ended.",
    413: "The body is larger than 256 KiB.",
    415: "The body is not declared as JSON.",
    422: "Fields are wrong; `errors` names each with the reason.",
    503: "The storage does not answer; `Retry-After` says when to ask again.",
}


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe error answers for handlers."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": _MEANINGS[status], "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in statuses
    }


def install(app: FastAPI) -> None:
    """Complete the OpenAPI document with the problem's schema and the errors every path can answer."""

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
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas |= schema.pop("$defs", {}) | {"Problem": schema}
            for unused in ("HTTPValidationError", "ValidationError"):
                schemas.pop(unused, None)
            for path in document["paths"].values():
                for operation in path.values():
                    operation["responses"]["default"] = {
                        "description": f"{HTTPStatus.INTERNAL_SERVER_ERROR.phrase} or another error.",
                        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
                    }
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
