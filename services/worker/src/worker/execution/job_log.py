"""Log records of handlers, as the worker's log shows them."""

import logging
from collections.abc import Mapping
from typing import Any

from worker.execution.messages import Log

_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def log_for(record: Log, labels: Mapping[str, Any]) -> None:
    """Write what a handler logged; what the labels say of the run cannot be overridden by it."""
    extra = {name: value for name, value in record.extra.items() if name not in _RESERVED}
    if record.traceback is not None:
        extra["exception.stacktrace"] = record.traceback
    logging.getLogger(record.logger).log(record.level, record.message, extra={**extra, **labels})
