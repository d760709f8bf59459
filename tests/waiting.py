"""Waiting for conditions that come true elsewhere, without holding up the event loop."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], object | Awaitable[object]], within: float = 60) -> None:
    """Wait until a condition, or what it gives once awaited, holds; TimeoutError if it takes longer.

    The default is longer than it takes to notice twice that a consumer came back deaf, and to restart it.
    """
    async with asyncio.timeout(within):
        while True:
            value = holds()
            if inspect.isawaitable(value):
                value = await value
            if value:
                return
            await asyncio.sleep(0.01)
