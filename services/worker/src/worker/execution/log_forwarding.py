"""What handlers log goes to the supervisor, which knows the run and writes it to the worker's log."""

import itertools
import json
import logging
import os
from collections.abc import Callable
from typing import Any

from contracts.telemetry import attributes as at
from worker.execution import messages
from worker.execution.forks import HomeProcess
from worker.execution.rate_limit import RateLimit

#: Records per second, and how many may come at once; the rest is dropped and counted.
_RATE, _BURST = 200.0, 1000.0

#: Most attributes of a record, the ordinary ones included, and most characters of one.
_MAX_EXTRAS, _MAX_EXTRA = 80, 4096

#: Bytes that arrive in a pipe as one piece (PIPE_BUF).
_ONE_PIECE = 4096
_STANDARD_ERROR = 2

_ORDINARY = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class ForwardingHandler(logging.Handler):
    """Sends log records to the supervisor, within bounds. `span_id` returns the span they belong to.

    A process that the handler forked prints them instead: the supervisor logs each line of it with the run's
    identity, and counts those that are too many. The way to the supervisor is for the runner alone.
    """

    def __init__(
        self, send: Callable[[messages.Log], None], span_id: Callable[[], str | None] = lambda: None
    ) -> None:
        super().__init__()
        self._forward = send
        self._span_id = span_id
        self._rate_limit = RateLimit(_RATE, _BURST)
        self._formatter = logging.Formatter()
        self._home = HomeProcess()

    def emit(self, record: logging.LogRecord) -> None:
        """Send one record."""
        if self._home.is_elsewhere:
            self._print(record)
            return
        if not self._rate_limit.take():
            return
        try:
            self._forward(self._translate(record))
        except Exception:  # noqa: BLE001 - logging must not fail the job; logging's own way of saying so
            self.handleError(record)

    def _print(self, record: logging.LogRecord) -> None:
        try:
            line = f"{record.levelname} {record.name}: {messages.clean(record.getMessage(), 2000)}"
            trace = self._traceback_of(record)
            if trace:
                line += "\n" + messages.clean_end(trace, 2000)
            os.write(_STANDARD_ERROR, line.encode("utf-8", "replace")[: _ONE_PIECE - 1] + b"\n")
        except Exception:  # noqa: BLE001 - logging must not fail the job; logging's own way of saying so
            self.handleError(record)

    def _traceback_of(self, record: logging.LogRecord) -> str | None:
        return self._formatter.formatException(record.exc_info) if record.exc_info else record.exc_text

    def _translate(self, record: logging.LogRecord) -> messages.Log:
        extra = {
            messages.clean(str(name), 100): _simple(value)
            for name, value in itertools.islice(vars(record).items(), _MAX_EXTRAS)
            if name not in _ORDINARY
        }
        span_id = self._span_id()
        if span_id is not None:
            extra[at.SPAN_ID] = span_id
        dropped = self._rate_limit.take_refused()
        if dropped:
            extra[at.DROPPED] = dropped
        trace = self._traceback_of(record)
        return messages.Log(
            level=record.levelno,
            logger=messages.clean(record.name, 200),
            message=messages.clean(record.getMessage()),
            traceback=messages.clean(trace) if trace else None,
            extra=extra,
        )


def _simple(value: Any) -> Any:
    """Return a value as JSON knows it, or as text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return messages.clean(value, _MAX_EXTRA)
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return messages.clean(str(value), _MAX_EXTRA)
    return json.loads(text) if len(text) <= _MAX_EXTRA else messages.clean(text, _MAX_EXTRA)
