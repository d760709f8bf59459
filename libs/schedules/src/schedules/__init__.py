"""Recurring jobs: when they are due, and what keeps each due time from being submitted twice.

A schedule says when (`times`), what becomes of times that no scheduler was there for (`misfires`), and which
job it submits. Its row, a row for its next due time, a row for each firing under way and its audit trail lie
in one partition (`rows`), so that each change of them is one transaction (`transactions`).

A firing has two halves. First, one transaction moves the schedule to its next due time and writes the firing,
with the job as the schedule says it at that moment. It names the schedule's row at the version read, so of
several schedulers, or a scheduler and someone who edits, pauses or deletes, one is first and the others look
again. Second, the job is submitted, and the firing is taken off. Any scheduler that finds a firing submits
its job, as the first one may have died. The job's id follows from the schedule's name and the due time, so
the second submission finds the first, however late it comes.
"""

from contracts.schedules import ScheduleRequest
from schedules.documents import event_document, schedule_details, schedule_document
from schedules.due import DueObserver, DuePace, DueSchedules
from schedules.firing import Firings, SubmitFiring
from schedules.rows import FiringRow, ScheduleEventRow, ScheduleRow
from schedules.service import Done, ScheduleService
from schedules.store import NoSuchScheduleError, ScheduleStore
from submission import read_document

__all__ = [
    "Done",
    "DueObserver",
    "DuePace",
    "DueSchedules",
    "FiringRow",
    "Firings",
    "NoSuchScheduleError",
    "ScheduleEventRow",
    "ScheduleRow",
    "ScheduleService",
    "ScheduleStore",
    "SubmitFiring",
    "event_document",
    "read_schedule",
    "schedule_details",
    "schedule_document",
]


def read_schedule(raw: bytes) -> ScheduleRequest:
    """Return what a schedule is to be, as a JSON document says.

    Raises StrictJsonError when it is not JSON, and InvalidSubmissionError for wrong fields.
    """
    return read_document(raw, ScheduleRequest)
