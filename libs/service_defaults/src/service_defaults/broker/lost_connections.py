"""How a lost connection shows to whoever waits for an answer over it."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def lost_connections_as_errors() -> Generator[None]:
    """Raise ConnectionError where aio-pika cancels whoever waits on a connection that it gives up.

    Taken for a cancellation it would end work that nobody meant to end. A real cancellation passes.
    """
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the connection to RabbitMQ was given up") from error
