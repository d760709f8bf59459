"""What a scenario does with the API besides what its users do, and what came of it."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import quote

from loadtest.asked import Asked
from loadtest.due_times import Record
from loadtest.limits import Limit

ACTOR = "load"

#: How often a request with an unknown outcome is sent again.
_REPEATS = 30
_REPEAT_SECONDS = 1.0


class ActionError(Exception):
    """The API answered as no scenario expects, so that the run proves nothing."""


class Session(Protocol):
    """Sends requests, as Locust's sessions do."""

    def request(
        self,
        method: str,
        path: str,
        /,
        *,
        name: str,
        json: Any = None,
        headers: Any = None,
        catch_response: bool = False,
    ) -> Any:
        """Send a request."""


@dataclass(frozen=True)
class Done:
    """A request that was answered."""

    status: int
    document: Any
    #: When it was sent for the first time, and when the last answer came.
    sent_at: datetime
    answered_at: datetime


@dataclass
class Actions:
    """What one scenario may do."""

    session: Session
    #: The name of the run, and what all names of its locks begin with.
    run: str
    prefix: str
    sink: str
    #: How many jobs its users are to submit.
    jobs: int
    #: Which limits each lock was given, in this order.
    set_limits: dict[str, list[int]] = field(default_factory=dict)
    #: The schedules that it created.
    schedules: list[Record] = field(default_factory=list)

    def lock(self, name: str) -> str:
        """Return the full name of a lock, which no other run uses."""
        return f"{self.prefix}{name}"

    def body(self, asked: Asked) -> dict[str, Any]:
        """Return a job as the API takes it."""
        return asked.body(self.lock(asked.lock), f"load {self.run}", self.sink)

    def set_limit(self, name: str, limit: int) -> None:
        """Set how many jobs of a lock may run at the same time."""
        lock = self.lock(name)
        path = f"/api/v1/locks/{quote(lock)}"
        self.request("PUT", path, "/api/v1/locks/{name}", {"limit": limit, "reason": "load"})
        self.set_limits.setdefault(lock, []).append(limit)

    def recorded_limits(self) -> dict[str, Sequence[Limit]]:
        """Return the limits of each lock that was given one, as the API tells of them, in their order."""
        return {lock: self._recorded(lock) for lock in self.set_limits}

    def knows(self, job_id: str) -> bool:
        """Return whether the API knows a job."""
        path, expected = f"/api/v1/jobs/{job_id}", (HTTPStatus.OK, HTTPStatus.NOT_FOUND)
        found = self.request("GET", path, "/api/v1/jobs/{job_id}", expected=expected)
        return found.status == HTTPStatus.OK

    def request(
        self,
        method: str,
        path: str,
        route: str,
        body: Any = None,
        *,
        expected: Collection[int] = (HTTPStatus.OK, HTTPStatus.CREATED),
        headers: Mapping[str, str] | None = None,
    ) -> Done:
        """Send a request until its outcome is known. `route` names it in Locust's figures.

        Raises ActionError for another status than those that are expected.
        """
        sent_at = datetime.now(UTC)
        for _ in range(_REPEATS):
            status, document = self._send(method, path, route, body, expected, headers or {})
            if status in expected:
                return Done(status, document, sent_at, datetime.now(UTC))
            if status not in {0, HTTPStatus.SERVICE_UNAVAILABLE}:
                raise ActionError(f"{method} {path}: {status} {document}")
            time.sleep(_REPEAT_SECONDS)
        raise ActionError(f"{method} {path} was not answered, {_REPEATS} times")

    def items(self, path: str, route: str) -> list[Any]:
        """Return all items of a list; `path` ends within its query. Raises ActionError."""
        found, cursor = [], ""
        while True:
            page = self.request("GET", f"{path}{cursor}", route).document
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={quote(str(page['next']))}"

    def _recorded(self, lock: str) -> list[Limit]:
        document = self.request("GET", f"/api/v1/locks/{quote(lock)}", "/api/v1/locks/{name}").document
        recorded = (
            Limit(each["limit"], datetime.fromisoformat(each["set_at"])) for each in document["limits"]
        )
        return sorted(recorded, key=lambda limit: limit.set_at)

    def _send(
        self,
        method: str,
        path: str,
        route: str,
        body: Any,
        expected: Collection[int],
        headers: Mapping[str, str],
    ) -> tuple[int, Any]:
        with self.session.request(
            method,
            path,
            name=route,
            json=body,
            headers={"X-Actor": ACTOR, **headers},
            catch_response=True,
        ) as response:
            if response.status_code in expected:
                response.success()
            return response.status_code, document_of(response)


def document_of(response: Any) -> Any:
    """Return the JSON of a response; None where it has none, and where there is no response."""
    try:
        return response.json()
    except (ValueError, TypeError):
        # Without a response, the text that is to be read is None.
        return None
