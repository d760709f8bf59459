"""Answers of the API as tables."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from command_line.output import clock_time, console, counted, duration, safe, styled_status

Document = Mapping[str, Any]

#: Columns from which on lists say more.
_WIDE = 110

#: Columns that are not broken over several lines.
_UNBROKEN = {"job", "runs", "time", "since", "submitted", "what", "status"}

_NOTHING_YET = "There are no {} yet; submit a job with: turnstile submit ten-steps --watch"


def print_jobs(jobs: Sequence[Document], *, has_filters: bool, has_more: bool) -> None:
    """Print a list of jobs."""
    screen = console()
    if not jobs:
        screen.print("No job fits these filters." if has_filters else _NOTHING_YET.format("jobs"))
        return
    is_wide = screen.width >= _WIDE
    table = _table("submitted", "job", "status", "kind", "lock", *(["name", "worker"] if is_wide else []))
    for job in jobs:
        row = [
            Text(clock_time(job["submitted_at"], with_date=True)),
            safe(job["job_id"]),
            _status(job),
            safe(job["kind"]),
            safe(job["lock"]),
        ]
        if is_wide:
            row += [safe(job["name"]), safe(job["worker"] or "")]
        table.add_row(*row)
    screen.print(table)
    _print_more(screen, "jobs", has_more=has_more)


def _status(job: Document) -> Text:
    """Return the status of a job in a list and, if it waits for its next attempt, until when."""
    status = styled_status(job["status"])
    # A publisher of an earlier release does not know of it.
    due_at = job.get("next_attempt_at")
    return Text.assemble(status, f" until {clock_time(due_at)}") if due_at else status


def print_recent_events(events: Sequence[Document], *, has_more: bool) -> None:
    """Print events of all jobs."""
    if not events:
        console().print(_NOTHING_YET.format("events"))
        return
    screen = console()
    is_wide = screen.width >= _WIDE
    table = _table("time", "job", "what", "lock", *(["message", "worker"] if is_wide else []))
    for event in events:
        row = [
            Text(clock_time(event["timestamp_utc"])),
            safe(event["job_id"]),
            styled_status(event["status"]),
            safe(event["lock"]),
        ]
        if is_wide:
            row += [safe(event["message"]), safe(event["worker"] or "")]
        table.add_row(*row)
    screen.print(table)
    _print_more(screen, "events", has_more=has_more)


def print_job(job: Document, events: Sequence[Document]) -> None:
    """Print a job and its events."""
    screen = console()
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(job):
        if value:
            facts.add_row(Text(name, style="dim"), value if isinstance(value, Text) else safe(value))
    screen.print(facts)
    screen.print()
    print_events(events)


def print_events(events: Sequence[Document], *, has_more: bool = False) -> None:
    """Print the events of one job."""
    screen = console()
    table = _table("#", "time", "what", "message", "attempt", "fence", "worker", "by")
    for event in events:
        table.add_row(
            str(event["seq"]),
            clock_time(event["timestamp_utc"]),
            styled_status(event["status"]),
            safe(event["message"]),
            str(event["attempt"]),
            "" if event["fence"] is None else str(event["fence"]),
            safe(event["worker"] or ""),
            safe(event["actor"]),
        )
    screen.print(table)
    _print_more(screen, "events", has_more=has_more)


def _cancellation(job: Document) -> str:
    # A publisher of an earlier release does not know who and why.
    if not job.get("cancel_requested_by"):
        return ""
    reason = f": {job['cancel_reason']}" if job["cancel_reason"] else ""
    return f"requested by {job['cancel_requested_by']}{reason}"


def done_by(job: Document, actor: str, reason: str) -> str:
    """Say who did something to a job, and why, by the fields that name them; empty when nobody did."""
    # A publisher of an earlier release does not know of it.
    if not job.get(actor):
        return ""
    return f"by {job[actor]}" + (f": {job[reason]}" if job[reason] else "")


def _facts(job: Document) -> list[tuple[str, str | Text | None]]:
    error = job["error"] and f"{job['error']['type']}: {job['error']['message']}"
    ran = duration(job["started_at"], job["finished_at"])
    return [
        ("job", job["job_id"]),
        ("status", styled_status(job["status"])),
        ("kind", job["kind"]),
        ("name", job["name"]),
        ("description", job["description"]),
        ("properties", ", ".join(f"{key}={value}" for key, value in job["properties"].items())),
        ("lock", job["lock"]),
        ("waits", waiting_text(job)),
        ("worker", job["worker"]),
        ("attempt", f"{job['attempt']}, interruptions: {job['interruptions']}" if job["attempt"] else ""),
        ("failed", _failures(job)),
        ("fence", "" if job["fence"] is None else str(job["fence"])),
        ("step", job["step"]),
        ("progress", progress_text(job["progress"])),
        ("result", "" if job["result"] is None else shortened(json.dumps(job["result"], ensure_ascii=False))),
        ("error", error),
        ("cancellation", _cancellation(job)),
        ("finalized", done_by(job, "finalized_by", "finalize_reason")),
        ("archived", clock_time(job["archived_at"], with_date=True) if job.get("archived_at") else ""),
        ("pinned", done_by(job, "pinned_by", "pin_reason")),
        ("retries", job.get("retry_of")),
        ("retried by", job.get("retried_by")),
        ("submitted", clock_time(job["submitted_at"], with_date=True)),
        ("started", clock_time(job["started_at"], with_date=True)),
        ("finished", clock_time(job["finished_at"], with_date=True) + (f", after {ran}" if ran else "")),
        ("trace", job["trace_id"]),
    ]


def print_lock(lock: Document) -> None:
    """Print a lock with its slots, its line and its limits."""
    screen = console()
    print_locks([lock])
    for slot in lock.get("slots", ()):
        what = f"{slot['holder']} runs {slot['job_id']}" if slot["job_id"] else "free"
        above = "" if slot["open"] else ", above the limit: no more jobs start there"
        screen.print(safe(f"slot {slot['number']}: {what}, fence {slot['fence']}{above}"), soft_wrap=True)
    for limit in lock.get("limits", ())[:1]:
        reason = f": {limit['reason']}" if limit["reason"] else ""
        when = clock_time(limit["set_at"], with_date=True)
        what = (
            f"limit {limit['limit']}, set by {limit['actor']} at {when}, before {limit['previous']}{reason}"
        )
        screen.print(safe(what), soft_wrap=True)
    for place, job_id in enumerate(lock["line"], start=1):
        screen.print(safe(f"{place:>4}  {job_id}"))
    if lock["waiting"] > len(lock["line"]):
        screen.print(f"      and {counted(lock['waiting'], len(lock['line']))} more")


def print_locks(locks: Sequence[Document]) -> None:
    """Print locks."""
    if not locks:
        console().print("No lock has been used yet.")
        return
    table = _table("lock", "holder", "runs", "since", "fence", "waiting")
    for lock in locks:
        table.add_row(
            safe(lock["lock"]),
            safe(lock["holder"] or "free"),
            safe(lock["job_id"] or ""),
            clock_time(lock["since"]),
            str(lock["fence"]),
            counted(lock["waiting"]),
        )
    console().print(table)


def print_kinds(kinds: Sequence[Document]) -> None:
    """Print kinds and their parameters."""
    if not kinds:
        console().print("No worker has published its kinds yet; start one with: make up")
        return
    table = _table("kind", "parameter", "type", "default")
    for kind in kinds:
        schema = kind["parameters"]
        rows = [
            (name, _type(field), _default(schema, name, field))
            for name, field in schema.get("properties", {}).items()
        ] or [("", "", "")]
        for number, row in enumerate(rows):
            table.add_row(safe(kind["kind"] if number == 0 else ""), *map(safe, row))
    console().print(table)


def _type(field: Document) -> str:
    alternatives = field.get("anyOf", [field])
    return " or ".join(str(one.get("type", "any")) for one in alternatives)


def _default(schema: Document, name: str, field: Document) -> str:
    if name in schema.get("required", []):
        return "required"
    return json.dumps(field["default"]) if "default" in field else ""


def waiting_text(job: Document) -> str:
    """Say why a job does not run yet."""
    waiting = job["waiting_for"]
    if not waiting:
        return ""
    next_attempt = _next_attempt(job)
    if job["position"] is None:
        return next_attempt or f"for lock {waiting['lock']}"
    place = f"number {counted(job['position'])} in the line of {waiting['lock']}"
    place = f"{next_attempt}, {place}" if next_attempt else place
    # A publisher of an earlier release estimates nothing.
    expected = waiting.get("expected_start")
    start = f"; likely to start at {clock_time(expected)}" if expected else ""
    if waiting["running"]:
        return f"{place}, while {waiting['holder']} runs {waiting['running']}{start}"
    return f"{place}, which no worker holds{start}"


def _next_attempt(job: Document) -> str:
    # A publisher of an earlier release does not know of it.
    if not job.get("next_attempt_at"):
        return ""
    return f"until {clock_time(job['next_attempt_at'], with_date=True)} for its next attempt"


def _failures(job: Document) -> str:
    failure = job.get("last_failure")
    if not failure:
        return ""
    return f"{job['retries']}, last: {failure['type']}: {failure['message']}"


def progress_text(progress: Document | None) -> str:
    """Say how far a job is."""
    if progress is None:
        return ""
    value, limit = progress["value"], progress["limit"]
    if not limit:
        return f"{value:,.10g}"
    return f"{value:,.10g} of {limit:,.10g} ({value / limit:.0%})"


def shortened(text: str, limit: int = 500) -> str:
    """Cut a long text."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _print_more(screen: Console, what: str, *, has_more: bool) -> None:
    if has_more:
        screen.print(f"[dim]There are more {what}; --limit shows more of them.[/dim]")


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in _UNBROKEN, overflow="fold")
    return table
