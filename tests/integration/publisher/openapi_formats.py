"""Texts in the formats that the OpenAPI document names, for schemathesis to draw from."""

import base64
import itertools
import json
import re
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts import lock_names
from contracts.jobs import IDEMPOTENCY_KEY, MOST_JOBS_OF_A_BATCH
from contracts.schedules import ScheduleRequest
from publisher.http.job_filters import JobQuestion
from publisher.http.problems import KEY_HEADER
from read_models import JobFilter
from read_models.cursors import write_cursor
from read_models.lists import EVENTS, jobs_list, locks_list
from submission import ActorError, caller

#: Digest of the list, and the two keys of a row.
_PLAIN_PARTS = 3

#: Characters of a cursor that is not too long.
_LONGEST = 2_000

_LONGEST_BATCH = 20

_LONGEST_KEY = 200

_numbers = itertools.count(1_000)

#: Actions whose body may be left out.
_ACTIONS = ("/cancel", "/retry", "/finalize", "/pin", "/unpin", ":pause", ":resume", ":run")


_SCHEDULE = "/api/v1/schedules/{name}"

#: Where one job is submitted, perhaps under a key.
_KEYED = ("/api/v1/jobs", "/api/jobs", f"{_SCHEDULE}:run")

_keys = st.from_regex(r"[0-9a-z|_-]{1,60}", fullmatch=True)
_visible = st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" ")
_header_text = st.characters(min_codepoint=0x20, max_codepoint=0xFF)


def _is_lock_name(text: str) -> bool:
    try:
        return bool(lock_names.normalise(text))
    except lock_names.LockNameError:
        return False


def _is_actor(text: str) -> bool:
    try:
        return bool(caller(text) and caller(text.encode("latin-1").decode()))
    except UnicodeDecodeError:
        return True
    except ActorError:
        return False


schemathesis.openapi.format("lock-name", st.text(_visible, min_size=1, max_size=200).filter(_is_lock_name))
schemathesis.openapi.format("actor", st.text(_header_text, min_size=1, max_size=100).filter(_is_actor))
schemathesis.openapi.format("events-cursor", st.builds(write_cursor, st.just(EVENTS), _keys, _keys))
schemathesis.openapi.format(
    "jobs-cursor", st.builds(write_cursor, st.just(jobs_list(JobFilter())), _keys, _keys)
)
schemathesis.openapi.format("locks-cursor", st.builds(write_cursor, st.just(locks_list("")), _keys))


@schemathesis.hook
def before_call(_: Any, case: Any, __: dict[str, Any]) -> None:
    """Change what no schema can say, or what would only take long."""
    if case.operation.path == "/api/v1/jobs:batch":
        _shorten(case.body)
    elif case.operation.path.endswith(_ACTIONS) and case.body is None:
        # The document does not offer null, but it is taken from clients that send it for no body.
        case.body = []
    elif case.operation.path in _KEYED and case.method == "POST" and isinstance(case.body, dict):
        _name_once({} if case.headers is None else case.headers, case.body)
    elif case.operation.path == _SCHEDULE and case.method == "PUT" and isinstance(case.body, dict):
        _make_due(case.body)
    elif case.operation.path == "/api/v1/jobs" and case.method == "GET" and case.query:
        _use_own_cursor(case.query)


def _shorten(batch: object) -> None:
    """Take jobs out of a batch that is within its limit; it is only about the time that they take."""
    jobs = batch.get("jobs") if isinstance(batch, dict) else None
    if isinstance(jobs, list) and len(jobs) <= MOST_JOBS_OF_A_BATCH:
        del jobs[_LONGEST_BATCH:]


def _name_once(headers: MutableMapping[str, str], submission: dict[str, Any]) -> None:
    """Leave one name of a request: its id, or a key that no other request has. What is not valid stays."""
    has_id, has_key = (submission.get(name) is not None for name in ("job_id", "idempotency_key"))
    if _is_key(submission.get("idempotency_key")):
        if has_id:
            del submission["idempotency_key"]
        else:
            submission["idempotency_key"] = _unused(submission["idempotency_key"])
    if _is_key(headers.get(KEY_HEADER)):
        if has_id or has_key:
            del headers[KEY_HEADER]
        else:
            headers[KEY_HEADER] = _unused(headers[KEY_HEADER])


def _make_due(schedule: dict[str, Any]) -> None:
    """Let a schedule that has the right form be due in a zone that there is. What is not valid stays."""
    for moment in ("start", "end"):
        if _is_moment(schedule.get(moment)):
            del schedule[moment]
    try:
        asked = ScheduleRequest.model_validate_json(json.dumps(schedule))
    except ValidationError:
        return
    if asked.cron is None and asked.interval is None:
        schedule["interval"] = 60
    elif asked.cron is not None:
        schedule.pop("interval", None)
        schedule |= {"cron": "30 2 * * MON-FRI", "zone": "Europe/Berlin"}


def _is_moment(text: object) -> bool:
    try:
        return isinstance(text, str) and datetime.fromisoformat(text) is not None
    except ValueError:
        return False


def _unused(key: str) -> str:
    return f"{next(_numbers)}{key}"[:_LONGEST_KEY]


def _is_key(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(IDEMPOTENCY_KEY, text) is not None


def _use_own_cursor(query: dict[str, Any]) -> None:
    """Make a cursor of jobs one of the list that the request asks for."""
    parts = _parts(query.get("cursor"))
    wanted = _wanted(query)
    if parts is None or wanted is None:
        return
    if len(parts) == _PLAIN_PARTS:
        query["cursor"] = write_cursor(jobs_list(wanted), *parts[1:])
    else:
        # A place between two rows is one of its list alone.
        del query["cursor"]


def _parts(cursor: object) -> list[str] | None:
    """Return what a cursor of any list of jobs is made of."""
    if len(str(cursor)) > _LONGEST:
        return None
    try:
        padded = f"{cursor}{'=' * (-len(str(cursor)) % 4)}".encode()
        found = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except ValueError:
        return None
    is_cursor = isinstance(found, list) and all(isinstance(part, str) for part in found)
    return found if is_cursor and len(found) >= _PLAIN_PARTS else None


def _wanted(query: Mapping[str, Any]) -> JobFilter | None:
    """Return the filter of a request; None when it is not valid."""
    asked = {name: value for name, value in query.items() if name != "cursor"}
    for name in ("status", "kind", "property"):
        if name in asked and not isinstance(asked[name], list):
            asked[name] = [asked[name]]
    try:
        return JobQuestion.model_validate(asked).filter()
    except ValidationError:
        return None
