"""Both clients as one: the asynchronous one on a loop of its own, for one list of tests against each."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx

from turnstile import AsyncClient, Client

#: Makes a client of the kind under test that sends its requests to a function.
Make = Callable[..., Any]


class FakeTime:
    """Seconds that pass as soon as a client waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


class Blocking:
    """An asynchronous client whose methods wait for their outcomes."""

    def __init__(self, client: AsyncClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            outcome = method(*args, **kwargs)
            if inspect.isawaitable(outcome):
                return self._runner.run(_awaited(outcome))
            return self._each(outcome)

        return call

    def _each(self, items: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._runner.run(_awaited(anext(items)))
            except StopAsyncIteration:
                return


async def _awaited(outcome: Any) -> Any:
    return await outcome


def make_sync(handle: Callable[[httpx.Request], httpx.Response], **options: Any) -> Client:
    return Client("http://publisher", transport=httpx.MockTransport(handle), **options)


def make_async(
    runner: asyncio.Runner, handle: Callable[[httpx.Request], httpx.Response], **options: Any
) -> Blocking:
    client = AsyncClient("http://publisher", transport=httpx.MockTransport(handle), **options)
    return Blocking(client, runner)
