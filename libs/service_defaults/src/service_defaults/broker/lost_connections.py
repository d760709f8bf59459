"""How a lost connection shows to the code that waits for an answer over it."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def lost_connections_as_errors() -> Generator[None]:
    """Raise ConnectionError where aio-pika cancels the waiting task because it gives up a connection.

    Taken for a cancellation it would end work that nothing meant to end. A cancellation of the task itself
    passes, and is raised again where the body lost it, or the task would never end: when a connection is
    closed at the same moment, aio-pika raises an error in place of the cancellation, and before Python 3.12
    `asyncio.wait_for` may return the result in its place (python/cpython issue 86296).
    """
    task = asyncio.current_task()
    cancelled_before = task.cancelling() if task else 0
    try:
        yield
    except asyncio.CancelledError as cancellation:
        if task is None or task.cancelling():
            raise
        raise ConnectionError("the connection to RabbitMQ was given up") from cancellation
    finally:
        if task is not None and task.cancelling() > cancelled_before:
            raise asyncio.CancelledError
