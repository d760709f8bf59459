"""The page of schedules: when each is due, what became of its latest due times, and who changed it."""

from collections.abc import Sequence

import streamlit as st

from contracts.schedules import Schedule, ScheduleFiring
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, clock, copy_button, date, icon, link, node
from dashboard.publisher_api import PublisherAwayError
from dashboard.site import Site
from dashboard.views import schedule_dialogs

_STATES = {
    "active": Look("Active", "schedule", "green"),
    "paused": Look("Paused", "pause", "violet"),
    "ended": Look("Ended", "event_available", "gray"),
}
_OUTCOMES = {
    "submitted": Look("Submitted", "login", "blue"),
    "skipped": Look("Skipped", "skip_next", "gray"),
    "refused": Look("Refused", "close", "red"),
    "missed": Look("Missed", "event_busy", "orange"),
    "pending": Look("Pending", "hourglass_empty", "gray"),
}


def show(site: Site) -> None:
    """Show the page. It asks when it is opened, and when it is asked to."""

    def body(_: Snapshot) -> None:
        again = st.session_state.pop(schedule_dialogs.AGAIN, False)
        try:
            found = site.schedules.get(again=again).content
        except PublisherAwayError as error:
            frame.head("Schedules", "What is scheduled is not known.")
            draw("schedules-list", _away(str(error)))
            frame.show_again_when(lambda: site.schedules.is_known(PublisherAwayError))
        else:
            frame.head("Schedules", sentence(found))
            schedule_dialogs.show(site, found)
            draw("schedules-list", schedules_card(found))
        st.button("Look again", icon=":material/refresh:", key="schedules-again", on_click=_look_again)

    frame.show_page(site, body, is_live=False)


def _look_again() -> None:
    st.session_state[schedule_dialogs.AGAIN] = True


def sentence(schedules: Sequence[Schedule]) -> Node:
    """Return the sentence that says what is due next."""
    due = sorted((schedule.next[0], schedule.name) for schedule in schedules if schedule.next)
    paused = sum(schedule.state == "paused" for schedule in schedules)
    if not schedules:
        return node("span", "Nothing is scheduled.")
    said: list[Node] = [
        node("b", count(len(schedules), "schedule")),
        f", {paused} paused. " if paused else ". ",
    ]
    if not due:
        return node("span", *said, "None is due.")
    at, name = due[0]
    return node("span", *said, node("b", name), " is due next, ", clock(at), " on ", date(at), ".")


def schedules_card(schedules: Sequence[Schedule]) -> Node:
    """Return the table of schedules, or how to make one when there are none."""
    if not schedules:
        return _empty()
    widths = {"Schedule": 18, "State": 14, "When": 22, "Next": 16, "Latest": 30}
    head = node("thead", node("tr", *(node("th", title, scope="col", w=w) for title, w in widths.items())))
    rows = [_row(schedule) for schedule in schedules]
    table = node("table.cards-on-phone", head, node("tbody", *rows))
    return node("section.card", table, aria_label="Schedules")


def _row(schedule: Schedule) -> Node:
    job = f"{schedule.job.get('kind', '')} under {schedule.job.get('lock', 'default')}"
    changed = node("small", "changed by ", schedule.changed_by, " ", ago(schedule.changed_at))
    return node(
        "tr",
        node(
            "td",
            node("b", schedule.name),
            copy_button(schedule.name, "the name"),
            node("small", job),
            changed,
        ),
        node("td", chip(_STATES[schedule.state]), *_pause(schedule)),
        node("td.wide", schedule.words, *_period(schedule)),
        node("td", *_next(schedule)),
        node("td.wide", *_latest(schedule.last)),
        k=schedule.name,
    )


def _pause(schedule: Schedule) -> list[Node]:
    if schedule.paused_by is None:
        return []
    reason = f": {schedule.pause_reason}" if schedule.pause_reason else ""
    return [node("small", f"by {schedule.paused_by} ", ago(schedule.paused_at), reason)]


def _period(schedule: Schedule) -> list[Node]:
    said = []
    for word, moment in (("from", schedule.start), ("until", schedule.end)):
        if moment is not None:
            said.append(node("small", f"{word} ", date(moment), " ", clock(moment)))
    return said


def _next(schedule: Schedule) -> list[Node]:
    if not schedule.next:
        return [node("span.muted", "not due")]
    first, *others = (node("div", date(due_at), " ", clock(due_at)) for due_at in schedule.next)
    return (
        [first, node("details", node("summary", f"and {len(others)} more"), *others)] if others else [first]
    )


def _latest(firing: ScheduleFiring | None) -> list[Node]:
    if firing is None:
        return [node("span.muted", "never due yet")]
    job = (
        [] if firing.job_id is None else [link("job", "the job", {"id": firing.job_id}, title=firing.job_id)]
    )
    by_hand = ", by hand" if firing.trigger == "hand" else ""
    when = node("small", date(firing.due_at), " ", clock(firing.due_at), by_hand)
    detail = [node("small", firing.detail)] if firing.detail else []
    return [chip(_OUTCOMES[firing.outcome]), " ", *job, when, *detail]


def _empty() -> Node:
    command = "turnstile schedules put nightly ten-steps --cron '0 2 * * *'"
    return node(
        "section.card",
        node(
            "div.empty",
            node("p.what", "Nothing is scheduled."),
            node("p", "A schedule submits a job again and again, by cron or at intervals."),
            node("p", node("code", command), copy_button(command, "the command")),
        ),
    )


def _away(sentence: str) -> Node:
    text = node("div", node("p.what", "Schedules cannot be read now."), node("p", sentence))
    return node("div.alert.orange", icon("cloud_off"), text, role="status")
