"""The list of schedules: when each is due, in words, and what became of the latest due time."""

from collections.abc import Sequence

from contracts.schedules import Schedule
from dashboard.parts.chips import chip
from dashboard.parts.nodes import Node, ago, clock, copy_button, link, node
from dashboard.schedule_page.words import (
    STATES,
    counted,
    due,
    job_in_words,
    next_due,
    outcome_chip,
    period,
    schedule_link,
)

_WIDTHS = {"Schedule": 26, "State": 14, "When": 24, "Next": 14, "Latest": 22}


def sentence(schedules: Sequence[Schedule]) -> Node:
    """Return the sentence that says what is due next."""
    if not schedules:
        return node("span", "Nothing is scheduled.")
    coming = sorted((schedule.next[0], schedule.name) for schedule in schedules if schedule.next)
    said = counted(schedules)
    if not coming:
        return node("span", *said, "None is due.")
    at, name = coming[0]
    return node("span", *said, node("b", name), " is due next, at ", clock(at), ".")


def schedules_card(schedules: Sequence[Schedule]) -> Node:
    """Return the table of schedules, or how to make one when there are none."""
    if not schedules:
        return _empty()
    head = node("thead", node("tr", *(node("th", title, scope="col", w=w) for title, w in _WIDTHS.items())))
    rows = [_row(schedule) for schedule in schedules]
    table = node("table.cards-on-phone.schedules", head, node("tbody", *rows, hold="schedules"))
    return node("section.card", node("div.scroll", table), aria_label="Schedules")


def _row(schedule: Schedule) -> Node:
    return node(
        "tr",
        node(
            "td.wide.at-1",
            schedule_link(schedule.name),
            copy_button(schedule.name, "the name"),
            node("small", job_in_words(schedule)),
        ),
        node("td.at-2", chip(STATES[schedule.state]), *_pause(schedule)),
        node("td.wide.at-4", schedule.words, *(node("small", said) for said in period(schedule))),
        node("td.at-3.right-on-phone", *next_due(schedule)),
        node("td.wide.at-5", *_latest(schedule)),
        k=schedule.name,
    )


def _pause(schedule: Schedule) -> list[Node]:
    if schedule.paused_by is None:
        return []
    reason = f": {schedule.pause_reason}" if schedule.pause_reason else ""
    return [node("small", f"by {schedule.paused_by} ", ago(schedule.paused_at), reason)]


def _latest(schedule: Schedule) -> list[Node]:
    firing = schedule.last
    if firing is None:
        return [node("span.muted", "never due yet")]
    job: list[Node] = []
    if firing.job_id is not None:
        job = [" · ", link("job", "job", {"id": firing.job_id}, title=firing.job_id)]
    detail = [node("small", firing.detail)] if firing.detail else []
    return [outcome_chip(firing), node("small", *due(firing), *job), *detail]


def _empty() -> Node:
    command = "turnstile schedules put nightly ten-steps --cron '0 2 * * *'"
    return node(
        "section.card",
        node(
            "div.empty",
            node("p.what", "Nothing is scheduled."),
            node("p", "A schedule submits a job again and again: by cron, at intervals, or once at a time."),
            node("p", "Create one with the button, or with the command line:"),
            node("p", node("code", command), copy_button(command, "the command")),
        ),
    )
