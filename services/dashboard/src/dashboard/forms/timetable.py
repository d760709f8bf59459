"""A schedule as it is entered in a form, and what that would lead to."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from contracts.policies import OnConflict
from contracts.schedules import TOLD, Schedule, Timetable, definition_of
from dashboard.forms.entries import EntryError, read_json
from schedules.definitions import check_timing, in_words, timing_of
from submission import InvalidSubmissionError, read_document

CRON, INTERVAL, ONCE = "By cron", "At intervals", "Once"

#: Ways in which a schedule can be due.
WAYS = (CRON, INTERVAL, ONCE)

#: Fields of a job that have a place of their own in the form.
OWN_FIELDS = ("kind", "lock", "on_conflict", "parameters")

#: An interval that a schedule which is due once never comes to the end of.
_ONCE_SECONDS = 86_400

_RULES = ("misfire", "misfire_limit", "misfire_after")
_TIMES = ("cron", "zone", "interval", "start", "end", *_RULES)


@dataclass(frozen=True)
class ScheduleEntries:
    """What the form holds, as it was typed."""

    way: str = CRON
    cron: str = "0 2 * * *"
    zone: str = "UTC"
    interval: float = 3600.0
    #: When it is due, for one that is due once.
    at: str = ""
    start: str = ""
    end: str = ""
    misfire: str = "once"
    misfire_limit: int = 10
    misfire_after: float = 60.0
    description: str = ""
    kind: str = ""
    lock: str = ""
    on_conflict: OnConflict | None = None
    #: JSON objects: the parameters of the job, and its other fields.
    parameters: str = "{}"
    rest: str = "{}"


def definition(schedule: Schedule) -> dict[str, Any]:
    """Return what a schedule is to be, as a request to the API has it: without what it does not say."""
    plain = definition_of(schedule).model_dump(mode="json", exclude_defaults=True)
    return {**plain, "job": dict(schedule.job)}


def entries_of(schedule: Schedule) -> ScheduleEntries:
    """Return a schedule as the form holds it."""
    job = schedule.job
    is_once = schedule.cron is None and schedule.start is not None and schedule.start == schedule.end
    way = CRON if schedule.cron is not None else ONCE if is_once else INTERVAL
    start, end = _typed(schedule.start), _typed(schedule.end)
    return ScheduleEntries(
        way=way,
        cron=schedule.cron or "",
        zone=schedule.zone,
        interval=schedule.interval or ScheduleEntries.interval,
        at=start if is_once else "",
        start="" if is_once else start,
        end="" if is_once else end,
        misfire=schedule.misfire,
        misfire_limit=schedule.misfire_limit,
        misfire_after=schedule.misfire_after,
        description=schedule.description,
        kind=str(job.get("kind", "")),
        lock=str(job.get("lock", "")),
        on_conflict=cast("OnConflict | None", job.get("on_conflict")),
        parameters=_pretty(job.get("parameters") or {}),
        rest=_pretty({name: value for name, value in job.items() if name not in OWN_FIELDS}),
    )


def body_of(entries: ScheduleEntries) -> tuple[dict[str, Any], list[str]]:
    """Return the request that the form stands for, and what in it is not JSON."""
    wrong: list[str] = []
    rest = _object("Other fields of the job", entries.rest, wrong)
    parameters = _object("Parameters", entries.parameters, wrong)
    own = {
        "kind": entries.kind.strip(),
        "lock": entries.lock.strip(),
        "on_conflict": entries.on_conflict,
        "parameters": parameters,
    }
    # An earlier schedule may have fields that are written as they are without being said.
    job = {**rest, **{name: value for name, value in own.items() if value or name == "kind"}}
    rules = {name: getattr(entries, name) for name in _RULES}
    defaults = {name: Timetable.model_fields[name].default for name in _RULES}
    said = {name: value for name, value in rules.items() if value != defaults[name]}
    about = {"description": entries.description} if entries.description else {}
    return {**_times(entries), **said, **about, "job": job}, wrong


def preview(body: Mapping[str, Any], now: datetime, created_at: datetime) -> tuple[str, Sequence[datetime]]:
    """Return when a schedule would be due, in words, and its next due times.

    Raises InvalidSubmissionError, which names the field, when it cannot be.
    """
    times = {name: value for name, value in body.items() if name in _TIMES}
    asked = read_document(json.dumps(times).encode(), Timetable)
    check_timing(asked, created_at, now)
    return in_words(asked), timing_of(asked, created_at).following(now, TOLD)


def wrong_fields(error: InvalidSubmissionError) -> list[str]:
    """Return what is wrong with a schedule, a sentence for each field."""
    return [f"{problem.field}: {problem.message}" for problem in error.fields]


def _times(entries: ScheduleEntries) -> dict[str, Any]:
    if entries.way == ONCE:
        at = entries.at.strip()
        return {"interval": _ONCE_SECONDS, "start": at, "end": at}
    bounds = {"start": entries.start.strip(), "end": entries.end.strip()}
    between = {name: value for name, value in bounds.items() if value}
    if entries.way == INTERVAL:
        return {"interval": entries.interval, **between}
    zone = {} if entries.zone == "UTC" else {"zone": entries.zone}
    return {"cron": entries.cron.strip(), **zone, **between}


def _object(title: str, text: str, wrong: list[str]) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        found = read_json(text)
    except EntryError as error:
        wrong.append(f"{title}: {error}")
        return {}
    if not isinstance(found, dict):
        wrong.append(f"{title}: is not a JSON object")
        return {}
    return found


def _typed(moment: datetime | None) -> str:
    return "" if moment is None else moment.isoformat().replace("+00:00", "Z")


def _pretty(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else "{}"
