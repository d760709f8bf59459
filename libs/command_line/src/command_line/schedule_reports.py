"""How the commands about schedules show them to people."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from command_line.output import clock_time, console, safe

_COLOURS = {"submitted": "green", "skipped": "yellow", "refused": "red", "missed": "red", "pending": "yellow"}
_STATES = {"active": "green", "paused": "yellow", "ended": "dim"}


def print_schedules(schedules: Sequence[Mapping[str, Any]]) -> None:
    """Print a table of schedules."""
    screen = console()
    if not schedules:
        screen.print("There are no schedules; `turnstile schedules put` or `turnstile apply` creates one.")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("NAME", "STATE", "WHEN", "NEXT", "LATEST"):
        table.add_column(title)
    for schedule in schedules:
        following, last = schedule["next"], schedule["last"]
        table.add_row(
            safe(schedule["name"]),
            _coloured(schedule["state"], _STATES),
            safe(schedule["words"]),
            clock_time(following[0], with_date=True) if following else "–",
            _latest(last) if last else "–",
        )
    screen.print(table)


def print_schedule(schedule: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> None:
    """Print a schedule, what became of its due times, and who changed it."""
    screen = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_row("name", safe(schedule["name"]))
    table.add_row("state", _coloured(schedule["state"], _STATES))
    if schedule["paused_by"]:
        table.add_row("paused", safe(_with_reason(schedule["paused_by"], schedule["pause_reason"])))
    table.add_row("when", safe(schedule["words"]))
    for name in ("start", "end"):
        if schedule[name]:
            table.add_row(name, clock_time(schedule[name], with_date=True))
    table.add_row("missed", safe(_missed(schedule)))
    table.add_row("job", safe(json.dumps(schedule["job"], ensure_ascii=False)))
    for number, due_at in enumerate(schedule["next"]):
        table.add_row("" if number else "next", clock_time(due_at, with_date=True))
    for number, firing in enumerate(schedule["history"]):
        table.add_row("" if number else "latest", _latest(firing))
    for number, event in enumerate(events):
        table.add_row("" if number else "changes", safe(_told(event)))
    screen.print(table)


def print_run(ran: Mapping[str, Any]) -> None:
    """Print what became of a run by hand."""
    sentences = {
        "submitted": f"Submitted job {ran['job_id']}.",
        "skipped": f"Nothing was submitted: the lock has job {ran['job_id']} already.",
        "pending": f"The storage does not answer; a scheduler submits job {ran['job_id']} as soon as it can.",
    }
    console().print(safe(sentences.get(ran["outcome"], f"The run was {ran['outcome']}: {ran['detail']}.")))


def _latest(firing: Mapping[str, Any]) -> Any:
    text = safe(f"{clock_time(firing['due_at'], with_date=True)} {firing['outcome']}")
    text.stylize(_COLOURS.get(firing["outcome"], ""))
    if firing["job_id"]:
        text.append(f" {firing['job_id']}")
    return text.append_text(safe(f" {firing['detail']}")) if firing["detail"] else text


def _told(event: Mapping[str, Any]) -> str:
    changed = ", ".join(event["data"].get("changes", {})) if event["action"] == "changed" else ""
    by = _with_reason(f"{event['action']} by {event['actor']}", event["reason"])
    return f"{clock_time(event['timestamp_utc'], with_date=True)} {by}{f' ({changed})' if changed else ''}"


def _with_reason(text: str, reason: str | None) -> str:
    return f"{text}: {reason}" if reason else text


def _missed(schedule: Mapping[str, Any]) -> str:
    rules = {
        "skip": "get no job",
        "once": "get one job for all",
        "all": f"get a job each, the latest {schedule['misfire_limit']} of them",
    }
    return f"due times later than {schedule['misfire_after']:g} s {rules[schedule['misfire']]}"


def _coloured(text: str, colours: Mapping[str, str]) -> Any:
    shown = safe(text)
    shown.stylize(colours.get(text, ""))
    return shown
