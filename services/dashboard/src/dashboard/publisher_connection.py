"""A connection to the publisher's HTTP API, and what can come of a request.

A page has to tell these cases apart, so each has an error of its own: the publisher refused it, it does not
know the job, or it did not answer, and then what was asked may have been done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

#: Above what the publisher itself waits for its storage and for RabbitMQ.
_TIMEOUT = httpx.Timeout(15.0, connect=3.0)

#: Longest name of a caller, as the publisher has it.
_LONGEST_ACTOR = 100

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

    def __init__(
        self,
        sentence: str,
        name: str,
        fields: Sequence[FieldError] = (),
        *,
        job_id: str | None = None,
        job_status: str | None = None,
    ) -> None:
        super().__init__(sentence)
        #: Type of the problem, such as `cancel_too_late`.
        self.name = name
        self.fields = list(fields)
        #: The job that the problem is about, and its status; None where the publisher names none.
        self.job_id = job_id
        self.job_status = job_status


class NotFoundError(PublisherError):
    """The publisher knows no such job."""


class PublisherAwayError(PublisherError):
    """The publisher, or what it needs, did not answer."""

    def __init__(self, sentence: str, *, may_be_done: bool) -> None:
        super().__init__(sentence)
        #: Whether what was asked may have been done; False when it was never sent.
        self.may_be_done = may_be_done


class PublisherConnection:
    """A connection to a publisher, which any number of threads may use."""

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

    def get(self, path: str, model: type[AnswerT]) -> AnswerT:
        """Return what the publisher has at a path. Raises what `read` raises."""
        return self.read(self.answer("GET", path), model)

    def post(
        self, path: str, body: Mapping[str, JsonValue] | None, actor: str, model: type[AnswerT]
    ) -> AnswerT:
        """Ask for something to be done, and return the answer. Raises what `read` raises."""
        return self.read(self.answer("POST", path, body, actor), model)

    def answer(
        self, method: str, path: str, body: Mapping[str, JsonValue] | None = None, actor: str = ""
    ) -> httpx.Response:
        """Send a request in the name of an actor. Raises PublisherAwayError when no answer comes."""
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

    def read(self, answer: httpx.Response, model: type[AnswerT]) -> AnswerT:
        """Return the content of an answer. Raises RefusedError, NotFoundError or PublisherAwayError."""
        if answer.is_success:
            try:
                return TypeAdapter(model).validate_json(answer.content)
            except ValidationError:
                raise self._foreign(answer) from None
        problem = problem_of(answer)
        if not problem:
            raise self._foreign(answer)
        sentence = str(problem["detail"])
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise NotFoundError(sentence)
        if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._silent(
                answer.request.method, f"The publisher could not do it: {sentence.rstrip('.')}"
            )
        raise RefusedError(
            sentence,
            str(problem["type"]).removeprefix(_PROBLEM),
            _fields(problem),
            job_id=_text(problem, "job_id"),
            job_status=_text(problem, "job_status"),
        )

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


class _Problem(BaseModel):
    type: str
    detail: str


def problem_of(answer: httpx.Response) -> Mapping[str, Any]:
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


def _text(problem: Mapping[str, Any], name: str) -> str | None:
    found = problem.get(name)
    return found if isinstance(found, str) else None


def _usable(actor: str) -> str:
    """Return a name that the publisher accepts."""
    printable = "".join(character for character in actor if character.isprintable())
    return printable.strip()[:_LONGEST_ACTOR].strip() or "dashboard"
