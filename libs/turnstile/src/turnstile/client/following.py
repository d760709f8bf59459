"""Following a job over one connection after the other, without the connections: both clients share it."""

import json
import time
from http import HTTPStatus
from typing import Any

import httpx
from httpx_sse import ServerSentEvent

from contracts.following import ProgressReport
from contracts.jobs import Event
from contracts.statuses import EventStatus
from turnstile.client.arguments import event_number
from turnstile.client.calls import Limits, pauses
from turnstile.client.errors import UnavailableError, UnexpectedAnswerError
from turnstile.client.reading import checked, part, read

#: A stream sends something at least every 10 seconds.
SILENCE_SECONDS = 30.0

#: Name and content of a message of a stream.
Message = tuple[str, Any]

#: How events spell that they are the last ones; a later release may know further events.
_ENDS = frozenset(status.value for status in EventStatus if status.is_terminal)


class Following:
    """What a client has heard of a job, so that each connection begins where the one before broke."""

    def __init__(self, after: int, limits: Limits) -> None:
        self.is_over = False
        self._last_id = str(event_number("after", after))
        self._limits = limits
        self._pauses = pauses()
        self._heard_at = time.monotonic()

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request."""
        return {"Last-Event-ID": self._last_id}

    def is_open(self, response: httpx.Response) -> bool:
        """Return whether messages will come; False when there are no more. Raises ClientError."""
        checked(response)
        self.is_over = response.status_code == HTTPStatus.NO_CONTENT
        return not self.is_over

    def hear(self, message: ServerSentEvent) -> Message | None:
        """Return the content of a message, if it has one. Raises UnexpectedAnswerError."""
        content = _content(message.data) if message.data else None
        is_event = message.event == "job_event" and content is not None
        self.is_over = is_event and str(part(content, "status")) in _ENDS
        self._last_id = message.id or self._last_id
        self._pauses, self._heard_at = pauses(), time.monotonic()
        return None if content is None else (message.event, content)

    def pause(self, error: UnavailableError | None) -> float:
        """Return the seconds until the next connection. Raises the error after too long a silence."""
        if error is not None and time.monotonic() - self._heard_at > self._limits.timeout:
            raise error
        return max(next(self._pauses), error.retry_after if error is not None else 0)


def typed(message: Message) -> Event | ProgressReport | None:
    """Return a message as a model; None for one that this release does not know."""
    name, content = message
    match name:
        case "job_event":
            return read(Event, content)
        case "progress":
            return read(ProgressReport, content)
        case _:
            return None


def _content(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        message = "This address sends no stream of Turnstile; check the address of the publisher."
        raise UnexpectedAnswerError(message) from None
