"""The page of one schedule: its next due times, what became of the latest, its job, and who changed it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from contracts.schedules import REMEMBERED, Schedule, ScheduleDetails, ScheduleEvent, ScheduleFiring
from dashboard.forms.submission import CONFLICTS, priority_text
from dashboard.parts.chips import chip, status_chip
from dashboard.parts.durations import count, duration
from dashboard.parts.nodes import Node, ago, clock, copy_button, link, node, short_id, until
from dashboard.schedule_page.words import (
    ACTIONS,
    jobs_link,
    lateness,
    missed_rule,
    next_due,
    outcome_chip,
    period,
)

#: Events of the trail that are shown, and characters of a value that was changed.
_MOST_EVENTS, _LONGEST_VALUE = 50, 200

#: Fields of a job whose values are seconds.
_SECONDS = {"expires_in": "Expires after", "timeout": "Timeout", "cancel_grace": "Cancel grace"}


def sentence(schedule: Schedule) -> Node:
    """Return the sentence that says when a schedule is due."""
    said: list[Node] = [schedule.words]
    for part in period(schedule):
        said += [", ", part]
    said.append(". ")
    if schedule.state == "paused":
        why = f": {schedule.pause_reason}." if schedule.pause_reason else "."
        said += ["Paused by ", node("b", schedule.paused_by or ""), " ", ago(schedule.paused_at), why]
    elif schedule.next:
        said += [
            "Due next ",
            node("b", "in ", until(schedule.next[0])),
            ", at ",
            clock(schedule.next[0]),
            ".",
        ]
    else:
        said.append("It is due no more.")
    return node("span", *said)


def fact_tiles(schedule: ScheduleDetails) -> Node:
    """Return the tiles: next and latest due time, the rule for missed ones, who changed and created it."""
    last = schedule.last
    return node(
        "div.tiles",
        _tile("Due next", *next_due(schedule)),
        _tile("Latest", *_latest(last, schedule)),
        _tile("Missed due times", missed_rule(schedule), lateness(schedule)),
        _tile("Changed", ago(schedule.changed_at), node("span", "by ", schedule.changed_by)),
        _tile("Created", ago(schedule.created_at), node("span", "by ", schedule.created_by)),
    )


def _latest(last: ScheduleFiring | None, schedule: ScheduleDetails) -> tuple[Node, Node]:
    if last is None:
        return "\u2013", "never due yet"
    if schedule.last_status is None:
        return outcome_chip(last), clock(last.due_at)
    return status_chip(schedule.last_status), node("span", clock(last.due_at))


def _tile(name: str, value: Node, note: Node | None = None) -> Node:
    return node(
        "div.tile", node("span.name", name), node("span.value.text", value), node("span.note", note or "")
    )


def next_card(schedule: Schedule) -> Node | None:
    """Return the card with the next due times; None when there is none."""
    if not schedule.next:
        return None
    rows = [
        node("li", node("span.main", clock(at)), node("span.when", "in ", until(at))) for at in schedule.next
    ]
    return node(
        "section.card", node("div.title", node("h2", "Next due times")), node("ul.list", *rows), k="next"
    )


def history_card(schedule: ScheduleDetails) -> Node:
    """Return the card with what became of the latest due times, and a link to all jobs."""
    aside = node("span.aside", jobs_link(schedule.name, "all its jobs"))
    title = node("div.title", node("h2", "Latest due times"), aside)
    if not schedule.history:
        nothing = node("p.pad.muted", "It was never due yet, and nobody ran it by hand.")
        return node("section.card", title, nothing, k="history")
    columns = ("Due", "Outcome", "Job", "Why")
    head = node("thead", node("tr", *(node("th", name, scope="col") for name in columns)))
    rows = [_firing(firing, number) for number, firing in enumerate(schedule.history)]
    table = node("table.cards-on-phone", head, node("tbody", *rows))
    full = None
    if len(schedule.history) >= REMEMBERED:
        full = node(
            "p.pad.muted", f"The latest {REMEMBERED}; the jobs of earlier ones are in the list of jobs."
        )
    return node(
        "section.card", title, node("div.scroll", table), full, k="history", aria_label="Latest due times"
    )


def _firing(firing: ScheduleFiring, number: int) -> Node:
    job: Node = node("span.muted", "\u2013")
    if firing.job_id is not None:
        opened = link("job", short_id(firing.job_id, copy=False), {"id": firing.job_id})
        job = node("span.nowrap", opened, copy_button(firing.job_id, f"the id {firing.job_id}"))
    by_hand = node("small", "run by hand") if firing.trigger == "hand" else None
    return node(
        "tr",
        node("td.nowrap", clock(firing.due_at), by_hand),
        node("td", outcome_chip(firing)),
        node("td", job),
        node("td.wide" if firing.detail else "td.wide.muted.hide", firing.detail or "\u2013"),
        k=f"{firing.trigger} {firing.due_at.isoformat()} {firing.job_id or number}",
    )


def job_card(schedule: Schedule) -> Node:
    """Return the card with the job that each due time submits."""
    job = schedule.job
    parameters = job.get("parameters") or {}
    text = json.dumps(job, indent=2, ensure_ascii=False)
    shown: Node | None = None
    if parameters:
        pretty = json.dumps(parameters, indent=2, ensure_ascii=False)
        shown = node(
            "div.pad",
            node("p.muted", "Parameters ", copy_button(pretty, "the parameters")),
            node("pre.block", pretty, tabindex=0, aria_label="Parameters"),
        )
    return node(
        "section.card",
        node("div.title", node("h2", "Its job"), node("span.aside", copy_button(text, "the job as JSON"))),
        node("dl.pairs.pad", *_pairs(job)),
        shown,
        k="job",
        aria_label="Its job",
    )


def _pairs(job: Mapping[str, Any]) -> list[Node]:
    lock = job.get("lock")
    held: Node = "as its kind says" if lock is None else link("lock", str(lock), {"lock": str(lock)})
    facts: list[tuple[str, Node | None]] = [("Kind", node("code", str(job.get("kind", "")))), ("Lock", held)]
    facts.append(("When busy", CONFLICTS.get(job.get("on_conflict"), str(job.get("on_conflict")))))
    facts += [("Name", str(job.get("name") or "")), ("Description", str(job.get("description") or ""))]
    if "priority" in job:
        facts.append(("Priority", priority_text(int(job["priority"]))))
    facts += [(title, duration(float(job[name]))) for name, title in _SECONDS.items() if job.get(name)]
    facts += [(name, str(value)) for name, value in sorted((job.get("properties") or {}).items())]
    return [part for name, value in facts if value for part in (node("dt", name), node("dd.text", value))]


def trail_card(name: str, events: Sequence[ScheduleEvent], *, is_cut: bool) -> Node:
    """Return the card with who did what to a schedule, the newest first."""
    shown = list(reversed(events))[:_MOST_EVENTS]
    rows = [_event(event) for event in shown]
    left = len(events) - len(shown)
    more = None
    if left or is_cut:
        those = f"{left:,} or more" if is_cut else f"{left:,}"
        command = f"turnstile schedules show {name}"
        more = node(
            "p.pad.muted", f"{those} earlier: ", node("code", command), copy_button(command, "the command")
        )
    return node(
        "section.card",
        node("div.title", node("h2", "Audit trail"), node("span.aside", count(len(events), "event"))),
        node("ul.list", *rows),
        more,
        k="trail",
        aria_label="Audit trail",
    )


def _event(event: ScheduleEvent) -> Node:
    reason = f": {event.reason}" if event.reason else ""
    by = node("span.second", "by ", node("b", event.actor), reason)
    return node(
        "li",
        node("span.when", clock(event.timestamp_utc)),
        node("div.main", chip(ACTIONS[event.action]), *_said(event.data), by),
        k=event.id,
    )


def _said(data: Mapping[str, Any]) -> list[Node]:
    said: list[Node] = []
    if "count" in data:
        said.append(f" {count(int(data['count']), 'due time')}")
    if "job_id" in data:
        job_id = str(data["job_id"])
        said += [" ", link("job", short_id(job_id, copy=False), {"id": job_id})]
    changes: Mapping[str, Mapping[str, Any]] = data.get("changes") or {}
    for name, change in changes.items():
        before = [] if change.get("from") is None else [node("code", _value(change["from"])), " \u2192 "]
        after = node("code", _value(change.get("to")))
        said.append(node("span.second", f"{name}: ", *before, after))
    return said


def _value(value: Any) -> str:
    if value is None:
        return "none"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
