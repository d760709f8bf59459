"""Log records of handlers, as the worker's log shows them."""

import logging
from collections.abc import Mapping
from typing import Any

from contracts.telemetry import attributes as at
from contracts.telemetry.spelling import OURS, label_of
from contracts.traceparent import trace_id_of
from coordination.holder.runs import Run
from worker.execution.messages import Log

_logger = logging.getLogger("turnstile.jobs")
_RESERVED = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


#: What the runner adds itself.
_OF_THE_RUNNER = (at.SPAN_ID, at.DROPPED)


def log_for(record: Log, labels: Mapping[str, Any]) -> None:
    """Write what a handler logged; it cannot override the labels of the run."""
    extra = {_name(name): value for name, value in record.extra.items() if name not in _RESERVED}
    if record.traceback is not None:
        extra[at.EXCEPTION_STACKTRACE] = record.traceback
    if _logger.isEnabledFor(record.level):
        # Under its own name, but without a logger for every name that handlers make up.
        _logger.handle(
            _logger.makeRecord(
                record.logger, record.level, "", 0, record.message, (), None, extra={**extra, **labels}
            )
        )


def _name(name: str) -> str:
    """Return the name to log a handler's attribute under: in Loki `job_id` and `job.id` would be one."""
    return f"handler.{name}" if label_of(name) in OURS and name not in _OF_THE_RUNNER else name


def labels(run: Run) -> Mapping[str, Any]:
    """Return what every log record of a run carries."""
    job = run.job
    return {
        at.JOB_ID: job.job_id,
        at.JOB_KIND: job.kind,
        at.LOCK_NAME: job.lock_name,
        at.JOB_ATTEMPT: job.attempt,
        at.LOCK_FENCE: run.fence,
        at.TRACE_ID: trace_id_of(job.traceparent),
    }
