"""What requests say: the bodies of submissions, and the filters of the list of jobs."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypedDict

from pydantic import BaseModel

from contracts.identifiers import new_id
from contracts.jobs import Submission
from contracts.policies import OnConflict
from turnstile.client.arguments import mapping_of, moment_of, several, texts_of

Body = Mapping[str, Any]

#: The parameters of a job: a model, such as its handler's, or what becomes a JSON object.
Parameters = BaseModel | Mapping[str, Any] | None


class SubmissionFields(TypedDict, total=False):
    """What a submission may say beyond the kind and the parameters; `Submission` describes each."""

    lock: str
    name: str
    description: str
    priority: int
    properties: Mapping[str, str]
    job_id: str | None
    idempotency_key: str | None
    expires_in: float | None
    timeout: float | None
    cancel_grace: float | None
    on_conflict: OnConflict | None


class JobFilters(TypedDict, total=False):
    """What jobs of a list must meet; the times need a time zone."""

    status: str | Iterable[str]
    kind: str | Iterable[str]
    lock: str
    worker: str
    name_prefix: str
    properties: Mapping[str, str]
    taken_over: bool
    finalized: bool
    submitted_from: datetime
    submitted_before: datetime


def submission(kind: str, parameters: Parameters, fields: SubmissionFields) -> dict[str, Any]:
    """Return the body of a submission, with an id unless it has an idempotency key."""
    return with_id({**fields, "kind": kind, "parameters": _plain(parameters)}, "submission")


def retry_body(parameters: Parameters, reason: str, *, fresh: bool) -> dict[str, Any]:
    """Return the body of a retry, with the parameters that change."""
    return {"parameters": _plain(parameters), "reason": reason, "fresh": fresh}


def limit_body(limit: int, reason: str) -> dict[str, Any]:
    """Return the body of a limit of a lock."""
    return {"limit": limit, "reason": reason}


def batch(jobs: Iterable[Submission | Body]) -> list[dict[str, Any]]:
    """Return the bodies of submissions. Raises InvalidArgumentError."""
    return [with_id(job, f"jobs[{number}]") for number, job in enumerate(several("jobs", jobs))]


def with_id(job: Submission | Body, argument: str) -> dict[str, Any]:
    """Return the body of a submission, with an id unless it has an idempotency key."""
    body = (
        job.model_dump(mode="json", exclude_unset=True)
        if isinstance(job, Submission)
        else mapping_of(argument, job)
    )
    return body if body.get("idempotency_key") else {**body, "job_id": body.get("job_id") or new_id()}


def query_of(filters: JobFilters) -> dict[str, Any]:
    """Return the query of a list of jobs. Raises InvalidArgumentError."""
    query: dict[str, Any] = dict(filters)
    for name in query.keys() & {"status", "kind"}:
        query[name] = texts_of(name, query[name])
    for name in query.keys() & {"submitted_from", "submitted_before"}:
        query[name] = moment_of(name, query[name])
    properties = mapping_of("properties", query.pop("properties", {}))
    query["property"] = [f"{name}:{value}" for name, value in properties.items()]
    # What is not asked for is left out.
    return query | {name: query.get(name) or None for name in ("taken_over", "finalized")}


def _plain(parameters: Parameters) -> dict[str, Any]:
    return {} if parameters is None else mapping_of("parameters", parameters)
