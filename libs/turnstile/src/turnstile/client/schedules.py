"""Schedules as `Client.schedules` and `AsyncClient.schedules` have them."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from contracts.identifiers import new_id
from contracts.schedules import Schedule, ScheduleDefinition, ScheduleDetails, ScheduleEvent, ScheduleFiring
from turnstile.client.arguments import mapping_of, name_of
from turnstile.client.reading import read

ModelT = TypeVar("ModelT", bound=BaseModel)

#: What a schedule is to be: a definition, or what becomes its JSON object.
Definition = ScheduleDefinition | Mapping[str, Any]

SCHEDULES = "/api/v1/schedules"


class Asks(Protocol):
    """Sends a request and returns the JSON of its answer, as `Client.request` does."""

    def __call__(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None
    ) -> Any:
        """Send a request that may be repeated."""


class Schedules:
    """Recurring jobs. All methods raise ClientError."""

    def __init__(self, ask: Asks, items: Callable[[str, type[Any]], Iterator[Any]]) -> None:
        self._ask = ask
        self._items = items

    def put(self, name: str, definition: Definition, reason: str = "") -> ScheduleDetails:
        """Create a schedule, or let it be what is asked, all of it. The same again changes nothing."""
        return _details(self._ask("PUT", schedule_path(name), body=definition_body(definition, reason)))

    def get(self, name: str) -> ScheduleDetails:
        """Return a schedule, its next due times, and what became of the latest ones."""
        return _details(self._ask("GET", schedule_path(name)))

    def all(self) -> Iterator[Schedule]:
        """Yield all schedules by name."""
        return self._items(SCHEDULES, Schedule)

    def events(self, name: str) -> Iterator[ScheduleEvent]:
        """Yield who changed a schedule, when, why and how, from the first; also of one that was deleted."""
        return self._items(schedule_path(name, "/events"), ScheduleEvent)

    def pause(self, name: str, reason: str = "") -> ScheduleDetails:
        """Let a schedule be due no more until it is resumed."""
        return _details(self._ask("POST", schedule_path(name, ":pause"), body=reason_body(reason)))

    def resume(self, name: str, reason: str = "") -> ScheduleDetails:
        """Let a schedule be due again from now on."""
        return _details(self._ask("POST", schedule_path(name, ":resume"), body=reason_body(reason)))

    def run(self, name: str, reason: str = "", *, idempotency_key: str | None = None) -> ScheduleFiring:
        """Submit the job of a schedule now; its next due time stays.

        Without a key the client makes one, so that a repeated request runs it once. Raises ConflictError when
        the lock is busy and `on_conflict` of the job is "reject".
        """
        body = run_body(reason, idempotency_key)
        return read(ScheduleFiring, self._ask("POST", schedule_path(name, ":run"), body=body))

    def delete(self, name: str, reason: str = "") -> ScheduleDetails:
        """Delete a schedule, and return it as it was. Its jobs and its events stay."""
        return _details(self._ask("DELETE", schedule_path(name), query={"reason": reason or None}))


class AsyncSchedules:
    """Recurring jobs, for programs with an event loop. It has the methods of `Schedules`."""

    def __init__(self, ask: Asks, items: Callable[[str, type[Any]], AsyncIterator[Any]]) -> None:
        self._ask = ask
        self._items = items

    async def put(self, name: str, definition: Definition, reason: str = "") -> ScheduleDetails:
        """Do what `Schedules.put` does."""
        return _details(await self._ask("PUT", schedule_path(name), body=definition_body(definition, reason)))

    async def get(self, name: str) -> ScheduleDetails:
        """Do what `Schedules.get` does."""
        return _details(await self._ask("GET", schedule_path(name)))

    def all(self) -> AsyncIterator[Schedule]:
        """Do what `Schedules.all` does."""
        return self._items(SCHEDULES, Schedule)

    def events(self, name: str) -> AsyncIterator[ScheduleEvent]:
        """Do what `Schedules.events` does."""
        return self._items(schedule_path(name, "/events"), ScheduleEvent)

    async def pause(self, name: str, reason: str = "") -> ScheduleDetails:
        """Do what `Schedules.pause` does."""
        return _details(await self._ask("POST", schedule_path(name, ":pause"), body=reason_body(reason)))

    async def resume(self, name: str, reason: str = "") -> ScheduleDetails:
        """Do what `Schedules.resume` does."""
        return _details(await self._ask("POST", schedule_path(name, ":resume"), body=reason_body(reason)))

    async def run(self, name: str, reason: str = "", *, idempotency_key: str | None = None) -> ScheduleFiring:
        """Do what `Schedules.run` does."""
        body = run_body(reason, idempotency_key)
        return read(ScheduleFiring, await self._ask("POST", schedule_path(name, ":run"), body=body))

    async def delete(self, name: str, reason: str = "") -> ScheduleDetails:
        """Do what `Schedules.delete` does."""
        return _details(await self._ask("DELETE", schedule_path(name), query={"reason": reason or None}))


def schedule_path(name: str, rest: str = "") -> str:
    """Return the path of a schedule, or of what belongs to it."""
    checked = name_of("name", name, "the name of a schedule")
    return f"{SCHEDULES}/{quote(checked, safe='').replace('.', '%2E')}{rest}"


def definition_body(definition: Definition, reason: str) -> dict[str, Any]:
    """Return the body of a request to create or to change a schedule."""
    plain = (
        definition.model_dump(mode="json", exclude_unset=True)
        if isinstance(definition, ScheduleDefinition)
        else mapping_of("definition", definition)
    )
    return {**plain, "reason": reason} if reason else plain


def reason_body(reason: str) -> dict[str, Any] | None:
    """Return the optional body of a request that may give a reason."""
    return {"reason": reason} if reason else None


def run_body(reason: str, key: str | None) -> dict[str, Any]:
    """Return the body of a request to run a schedule now."""
    return {"idempotency_key": key or new_id(), "reason": reason}


def _details(answer: Any) -> ScheduleDetails:
    return read(ScheduleDetails, answer)
