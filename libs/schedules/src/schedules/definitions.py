"""Checking what a schedule is to be, field by field, and reading when it is due."""

import re
from datetime import datetime

from contracts.jobs import NAME_IN_WORDS
from contracts.schedules import SCHEDULE_NAME, Timetable
from schedules.times import Interval, Timing, TimingError, cron, explained
from submission import FieldProblem, InvalidSubmissionError


def checked_name(name: str) -> str:
    """Return the name of a schedule. Raises InvalidSubmissionError when it cannot be one."""
    if not re.fullmatch(SCHEDULE_NAME, name):
        message = f"{name[:80]!r} cannot name a schedule: use {NAME_IN_WORDS}"
        raise InvalidSubmissionError([FieldProblem(field="name", message=message)])
    return name


def check_timing(asked: Timetable, created_at: datetime, now: datetime) -> None:
    """Raise InvalidSubmissionError unless a schedule is due at some time from now on."""
    if (asked.cron is None) == (asked.interval is None):
        field = "cron" if asked.cron is None else "interval"
        message = (
            "is required, unless there is an interval"
            if field == "cron"
            else ("cannot be given together with cron; leave one of them out")
        )
        raise InvalidSubmissionError([FieldProblem(field=field, message=message)])
    if asked.start is not None and asked.end is not None and asked.end < asked.start:
        message = f"lies before start, {asked.start.isoformat()}; give a later end, or none"
        raise InvalidSubmissionError([FieldProblem(field="end", message=message)])
    try:
        timing = timing_of(asked, created_at)
    except TimingError as error:
        raise InvalidSubmissionError([FieldProblem(field=error.field, message=str(error))]) from None
    if timing.after(now) is None:
        raise InvalidSubmissionError([_never_due(asked, now)])


def timing_of(asked: Timetable, created_at: datetime) -> Timing:
    """Return when a schedule is due. Raises TimingError."""
    if asked.cron is not None:
        return Timing(cron(asked.cron, asked.zone), asked.start, asked.end)
    seconds = asked.interval or 1.0
    if asked.start is not None:
        return Timing(Interval(seconds, asked.start), asked.start, asked.end)
    # The creation itself is not due, the first interval behind it is.
    return Timing(Interval(seconds, created_at), None, asked.end)


def in_words(asked: Timetable) -> str:
    """Return when a schedule is due, in words."""
    if asked.start is not None and asked.start == asked.end:
        return "Once"
    if asked.cron is not None:
        words = explained(asked.cron)
        return words if asked.zone == "UTC" else f"{words}, {asked.zone}"
    seconds = asked.interval or 1.0
    for unit, length in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            count = int(seconds // length)
            return f"Every {unit}" if count == 1 else f"Every {count} {unit}s"
    return "Every second" if seconds == 1 else f"Every {seconds:g} seconds"


def _never_due(asked: Timetable, now: datetime) -> FieldProblem:
    if asked.end is not None and asked.end <= now:
        return FieldProblem(field="end", message="is over, so the schedule is never due; give a later end")
    if asked.end is not None:
        return FieldProblem(field="end", message="lies before the first due time; give a later end")
    if asked.cron is None:
        message = "leads to no due time before the year 2200; give a shorter one, or an earlier start"
        return FieldProblem(field="interval", message=message)
    message = "is due on no day of the next 50 years; check the day of month and the month"
    return FieldProblem(field="cron", message=message)
