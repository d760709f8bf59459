"""An API that answers what a test has scripted."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from typer.testing import Result

Answer = httpx.Response | Exception


@dataclass
class ScriptedApi:
    """Answers by method and path; keeps what was asked."""

    answers: dict[tuple[str, str], list[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer) -> None:
        """Answer a path in this order; the last answer is repeated."""
        self.answers[method, path] = list(answers)

    def bodies(self) -> list[Any]:
        return [json.loads(request.content) for request in self.requests if request.content]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.raw_path.decode().partition("?")[0]
        waiting = self.answers.get((request.method, path))
        if not waiting:
            return problem(404, "no_such_job", "The job does not exist; check its id.")
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, name: str, detail: str, **more: Any) -> httpx.Response:
    body = {
        "type": f"urn:turnstile:problem:{name}",
        "title": name,
        "status": status,
        "detail": detail,
        **more,
    }
    return httpx.Response(status, json=body, headers={"content-type": "application/problem+json"})


class Run(Protocol):
    """Runs a command."""

    def __call__(self, *words: str, typed: str | None = None) -> Result: ...


Problem = Callable[..., httpx.Response]
Document = dict[str, Any]
MakeEvent = Callable[..., Document]
