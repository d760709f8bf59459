"""Running a service: logging, telemetry, and an HTTP server that ends in order at a signal."""

import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager
from typing import Any, NoReturn

import uvicorn

from contracts.telemetry import attributes as at
from contracts.telemetry.log_messages import CANNOT_START
from service_defaults.early_answers import EarlyAnswers
from service_defaults.exposition import PrometheusPage
from service_defaults.logging import configure_logging
from service_defaults.settings import SettingsT
from service_defaults.telemetry import start_telemetry

logger = logging.getLogger(__name__)

#: Ends the service in order, but with an exit code that has it started again.
_FAILURE = signal.SIGUSR2
_SIGNALS = (signal.SIGTERM, signal.SIGINT, _FAILURE)

#: Objects made, and not freed, between two collections; some megabytes.
_NEW_OBJECTS = 20_000

#: Seconds that requests in flight get at a stop.
_DRAIN_SECONDS = 5


class CannotStartError(Exception):
    """The service cannot start, for a reason that its operator can remove: no traceback is logged."""


def serve(create_app: Callable[[SettingsT], Callable[..., Any]], settings: SettingsT) -> NoReturn:
    """Build an ASGI application and run it until SIGTERM or SIGINT, then end the process.

    Logs and telemetry are there before the application is built, so that it can measure from the start. The
    server listens before the application has started (`EarlyAnswers`). Exit code 0 after a stop that was
    asked for, 1 after `stop_as_failed`, 3 when the application did not start.
    """
    configure_logging(settings)
    page = PrometheusPage()
    shutdown_telemetry = start_telemetry(settings, page)
    app = EarlyAnswers(_ending_when_broken(create_app(settings)))
    server = _Server(
        uvicorn.Config(
            page.beside(app) if "prometheus" in settings.metrics_exporters else app,
            host=settings.host,
            port=settings.port,
            log_config=None,
            access_log=False,
            lifespan="on",
            server_header=False,
            timeout_graceful_shutdown=_DRAIN_SECONDS,
        )
    )
    _collect_less_often()
    try:
        server.run()
    finally:
        shutdown_telemetry()
    if app.has_failed_to_start or not server.started:
        sys.exit(3)
    sys.exit(1 if server.has_failed else 0)


def _collect_less_often() -> None:
    """Let garbage collections pass over what is there for good, and come when more has gathered.

    With the interpreter's own numbers they take a tenth of the time of a service that is busy.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 20)


def stop_as_failed() -> None:
    """End this service in order, as one that must be started again."""
    signal.raise_signal(_FAILURE)


def in_background(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run work next to the application. When it fails the service ends, which would look alive otherwise."""
    task = asyncio.create_task(work)
    task.add_done_callback(_end_when_failed)
    return task


def _end_when_failed(task: asyncio.Task[None]) -> None:
    if task.cancelled():
        # A CancelledError can come from a library, such as from aio-pika when a connection is given up.
        if task.cancelling():
            return
        logger.critical("background task was cancelled unexpectedly")
    elif task.exception() is not None:
        logger.critical("background task failed", exc_info=task.exception())
    else:
        return
    stop_as_failed()


def _ending_when_broken(app: Callable[..., Any]) -> Callable[..., Any]:
    """End the service when its application breaks down in the background: it would answer, and do nothing."""

    async def guarded(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await app(scope, receive, send)
            return
        received = []

        async def noted() -> Any:
            message = await receive()
            received.append(message["type"])
            return message

        async def said(message: Any) -> None:
            # The server would log its text, a traceback, in addition to what is logged below.
            failed = message["type"] == "lifespan.startup.failed"
            await send({"type": message["type"], "message": ""} if failed else message)

        try:
            await app(scope, noted, said)
        except CannotStartError as error:
            logger.critical(CANNOT_START, extra={at.REASON: str(error)})
            stop_as_failed()
            raise
        except Exception:
            logger.exception("application failed")
            stop_as_failed()
            raise
        if "lifespan.shutdown" not in received:
            # What is cancelled from within ends without an error.
            logger.critical("application exited unexpectedly")
            stop_as_failed()

    return guarded


class _Server(uvicorn.Server):
    """A server whose end by a signal is normal: uvicorn would raise the signal again (exit code 143)."""

    has_failed = False

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Let signals stop the server while it runs."""
        earlier = {number: signal.signal(number, self._stop) for number in _SIGNALS}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: Any) -> None:
        if number == _FAILURE:
            self.has_failed = True
            number = signal.SIGTERM
        self.handle_exit(number, frame)
