"""The publisher's HTTP API as pages use it, in the name of their viewers.

A page has to tell apart what can come of a request, so each case has an error of its own: the publisher
refused it, it does not know the job, or it did not answer, and then what was asked may have been done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from contracts.identifiers import new_id
from contracts.jobs import Accepted, Job, Kind, Page, Worker
from contracts.quarantine import QuarantinePage
from contracts.schedules import Schedule, ScheduleDetails

#: Above what the publisher itself waits for its storage and for RabbitMQ.
_TIMEOUT = httpx.Timeout(15.0, connect=3.0)

#: Longest name of a caller, as the publisher has it.
_LONGEST_ACTOR = 100

_SCHEDULES = "/api/v1/schedules"
_PROBLEM = "urn:turnstile:problem:"

AnswerT = TypeVar("AnswerT")


class PublisherError(Exception):
    """What was asked of the publisher was not done for certain. The text is a sentence for people."""


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field of a request."""

    #: Path of the field, such as `parameters.steps` or `items[2]`.
    field: str
    message: str


class RefusedError(PublisherError):
    """The publisher refused, and did nothing; the text is its own sentence."""

    def __init__(self, sentence: str, name: str, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(sentence)
        #: Type of the problem, such as `cancel_too_late`.
        self.name = name
        self.fields = list(fields)


class NotFoundError(PublisherError):
    """The publisher knows no such job."""


class PublisherAwayError(PublisherError):
    """The publisher, or what it needs, did not answer."""

    def __init__(self, sentence: str, *, may_be_done: bool) -> None:
        super().__init__(sentence)
        #: Whether what was asked may have been done; False when it was never sent.
        self.may_be_done = may_be_done


class PublisherApi:
    """A connection to a publisher, which any number of threads may use.

    `actor` is the name of the viewer, under which the audit trail records an action.
    """

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        # A proxy is for other machines.
        is_local = httpx.URL(self.url).host in {"127.0.0.1", "localhost", "::1"}
        self._client = httpx.Client(
            base_url=self.url, timeout=_TIMEOUT, trust_env=not is_local, transport=transport
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def submit(self, submission: Mapping[str, JsonValue], actor: str) -> Accepted:
        """Submit a job, which must have a `job_id`: then to submit it again cannot run it twice.

        When no answer comes it is sent once more. Raises RefusedError or PublisherAwayError.
        """
        try:
            return self._submit(submission, actor)
        except PublisherAwayError as error:
            if not isinstance(error.__cause__, httpx.ReadError | httpx.RemoteProtocolError):
                raise
        return self._submit(submission, actor)

    def cancel(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Cancel a waiting job, or ask a running one to stop; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._post(_action(job_id, "cancel"), {"reason": reason} if reason else None, actor, Job)

    def finalize(self, job_id: str, actor: str, reason: str = "") -> Job:
        """Say that a job that did not complete needs no attention; return it as it is now.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._post(_action(job_id, "finalize"), {"reason": reason}, actor, Job)

    def retry(self, job_id: str, actor: str, reason: str = "", *, is_fresh: bool = False) -> Accepted:
        """Retry a job that did not complete, and return the new job; a fresh one begins from the beginning.

        To repeat it is harmless. Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._post(_action(job_id, "retry"), {"reason": reason, "fresh": is_fresh}, actor, Accepted)

    def drain(self, worker: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take no new jobs; return it. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._tell(worker, actor, reason, takes_jobs=False)

    def resume(self, worker: str, actor: str, reason: str = "") -> Worker:
        """Have a worker take jobs again; return it. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._tell(worker, actor, reason, takes_jobs=True)

    def kinds(self) -> list[Kind]:
        """Return the kinds that workers know. Raises PublisherAwayError."""
        return self._get("/api/v1/kinds", Page[Kind]).items

    def quarantine(self, limit: int = 50) -> QuarantinePage:
        """Return the oldest messages in quarantine. RabbitMQ counts each look: only look when asked to.

        Raises PublisherAwayError.
        """
        return self._get(f"/api/v1/quarantine?limit={limit}", QuarantinePage)

    def schedules(self) -> list[Schedule]:
        """Return the schedules by name. Raises PublisherAwayError."""
        found: list[Schedule] = []
        path = _SCHEDULES + "?limit=200"
        while True:
            page = self._get(path, Page[Schedule])
            found += page.items
            if page.next is None:
                return found
            path = f"{_SCHEDULES}?limit=200&cursor={quote(page.next, safe='')}"

    def put_schedule(self, name: str, body: Mapping[str, JsonValue], actor: str) -> ScheduleDetails:
        """Create a schedule, or let it be what the body says. To repeat it is harmless.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        return self._read(self._answer("PUT", _schedule(name), body, actor), ScheduleDetails)

    def act_on_schedule(self, name: str, what: str, actor: str, reason: str = "") -> None:
        """Pause or resume a schedule, or run it now.

        Raises RefusedError, NotFoundError or PublisherAwayError.
        """
        body: dict[str, JsonValue] = {"reason": reason}
        if what == "run":
            # To send it again finds the same job.
            body["idempotency_key"] = new_id()
        self._post(f"{_schedule(name)}:{what}", body, actor, dict[str, JsonValue])

    def _submit(self, submission: Mapping[str, JsonValue], actor: str) -> Accepted:
        answer = self._answer("POST", "/api/v1/jobs", submission, actor)
        problem = _problem(answer)
        if answer.status_code == HTTPStatus.CONFLICT and problem.get("same_request") is True:
            job = self._get(f"/api/v1/jobs/{problem['job_id']}", Job)
            return Accepted(job_id=job.job_id, lock=job.lock, status=job.status)
        return self._read(answer, Accepted)

    def _tell(self, worker: str, actor: str, reason: str, *, takes_jobs: bool) -> Worker:
        # A name of dots alone would be taken for a step up in the path.
        path = f"/api/v1/workers/{quote(worker, safe='').replace('.', '%2E')}"
        body: dict[str, JsonValue] = {"takes_jobs": takes_jobs, "reason": reason}
        return self._read(self._answer("PUT", path, body, actor), Worker)

    def _get(self, path: str, model: type[AnswerT]) -> AnswerT:
        return self._read(self._answer("GET", path), model)

    def _post(
        self, path: str, body: Mapping[str, JsonValue] | None, actor: str, model: type[AnswerT]
    ) -> AnswerT:
        return self._read(self._answer("POST", path, body, actor), model)

    def _answer(
        self, method: str, path: str, body: Mapping[str, JsonValue] | None = None, actor: str = ""
    ) -> httpx.Response:
        headers = {b"x-actor": _usable(actor).encode()} if actor else {}
        try:
            return self._client.request(method, path, json=body, headers=headers)
        except (
            httpx.ConnectError,
            httpx.ConnectTimeout,
            httpx.PoolTimeout,
            httpx.UnsupportedProtocol,
        ) as error:
            sentence = f"No publisher answers at {self.url}. Nothing was changed."
            raise PublisherAwayError(sentence, may_be_done=False) from error
        except httpx.TransportError as error:
            raise self._silent(method, f"The publisher at {self.url} did not answer") from error

    def _read(self, answer: httpx.Response, model: type[AnswerT]) -> AnswerT:
        if answer.is_success:
            try:
                return TypeAdapter(model).validate_json(answer.content)
            except ValidationError:
                raise self._foreign(answer) from None
        problem = _problem(answer)
        if not problem:
            raise self._foreign(answer)
        sentence = str(problem["detail"])
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise NotFoundError(sentence)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._silent(
                answer.request.method, f"The publisher could not do it: {sentence.rstrip('.')}"
            )
        name = str(problem["type"]).removeprefix(_PROBLEM)
        raise RefusedError(sentence, name, _fields(problem))

    def _foreign(self, answer: httpx.Response) -> PublisherAwayError:
        return self._silent(
            answer.request.method,
            f"{self.url} answered {answer.status_code}, but not as a publisher does (check the address)",
        )

    def _silent(self, method: str, what: str) -> PublisherAwayError:
        if method == "GET":
            return PublisherAwayError(f"{what}.", may_be_done=False)
        return PublisherAwayError(
            f"{what}. It is not confirmed: it may have been done or not. To try again is harmless.",
            may_be_done=True,
        )


def _schedule(name: str) -> str:
    return f"{_SCHEDULES}/{quote(name, safe='').replace('.', '%2E')}"


def _action(job_id: str, name: str) -> str:
    """Return the path of what can be done to a job."""
    return f"/api/v1/jobs/{quote(job_id, safe='')}/{name}"


class _Problem(BaseModel):
    type: str
    detail: str


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    """Return the problem document of an answer; empty when it has none."""
    if answer.is_success:
        return {}
    try:
        document = answer.json()
        _Problem.model_validate(document)
    except ValueError:
        return {}
    return document if str(document["type"]).startswith(_PROBLEM) else {}


def _fields(problem: Mapping[str, Any]) -> list[FieldError]:
    errors = problem.get("errors")
    found = errors if isinstance(errors, list) else []
    return [FieldError(str(error["field"]), str(error["message"])) for error in found]


def _usable(actor: str) -> str:
    """Return a name that the publisher accepts."""
    printable = "".join(character for character in actor if character.isprintable())
    return printable.strip()[:_LONGEST_ACTOR].strip() or "dashboard"
