"""Jobs as CSV for spreadsheets, in which no cell can be taken for a formula."""

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime

from contracts.jobs import JobSummary

#: A cell that begins with one of these is a formula, or may become one (OWASP, "CSV Injection").
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

COLUMNS = (
    "job_id", "name", "kind", "lock", "status", "priority", "submitted_at", "started_at", "finished_at",
    "attempt", "interruptions", "fence", "worker", "actor", "error_type", "error_message", "properties",
)  # fmt: skip


def jobs_csv(jobs: Iterable[JobSummary]) -> str:
    """Return jobs as CSV with a heading; text that a spreadsheet would calculate is shown instead."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for job in jobs:
        writer.writerow(_cell(value) for value in _values(job).values())
    return text.getvalue()


def _values(job: JobSummary) -> Mapping[str, object]:
    values = job.model_dump(include=set(COLUMNS))
    values |= {
        "error_type": job.error.type if job.error else None,
        "error_message": job.error.message if job.error else None,
        "properties": "; ".join(f"{name}:{value}" for name, value in sorted(job.properties.items())),
    }
    return {name: values[name] for name in COLUMNS}


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    # An apostrophe in front is how spreadsheets write text that is to be shown as it is.
    is_formula = text.startswith(_BEGINS_FORMULA) or text.lstrip().startswith(_BEGINS_FORMULA)
    return f"'{text}" if is_formula else text
