"""The dialog that creates or changes a schedule, and says when it would be due."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import streamlit as st

from contracts.jobs import LONGEST_REASON
from contracts.schedules import MISFIRES, MOST_MADE_UP, SHORTEST_LATENESS, Schedule
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.forms import submission as forms
from dashboard.forms import timetable
from dashboard.forms.timetable import ScheduleEntries
from dashboard.forms.widgets import error_note
from dashboard.navigation import open_page
from dashboard.parts.nodes import Node, clock, icon, node
from dashboard.publisher_api import PublisherAwayError
from dashboard.site import Site
from dashboard.views.sending import Unsent, send
from submission import InvalidSubmissionError

_MISFIRES = {
    "skip": "are left out",
    "once": "one job makes up for all",
    "all": "each gets its job, up to a number",
}


def button(site: Site, schedule: Schedule | None) -> None:
    """Show the button that opens the form: for a new schedule, or for the one that is given."""
    title, name = ("Create…", "add_circle") if schedule is None else ("Change…", "edit")
    if st.button(title, icon=f":material/{name}:", key="schedule-edit"):
        heading = "Create a schedule" if schedule is None else "Change this schedule"
        open_dialog(heading, f":material/{name}:", lambda: edit(site, schedule), width="large")


def edit(site: Site, schedule: Schedule | None) -> None:
    """Show what a schedule is to be, field by field, and save it."""
    key = "schedule-new" if schedule is None else f"schedule-of-{schedule.name}"
    draw(f"{key}-of", node("b", "" if schedule is None else schedule.name))
    name = schedule.name if schedule is not None else st.text_input(
        "Name", key=f"{key}-name", max_chars=64, placeholder="close-of-day",
        help="Lower-case letters, digits, dots, dashes and underscores.",
    ).strip()  # fmt: skip
    before = timetable.entries_of(schedule) if schedule is not None else _first(site)
    entries = _job(site, key, _times(key, before))
    entries = _more(key, entries)
    body, wrong = timetable.body_of(entries)
    draw(f"{key}-preview", _preview(site, body, schedule))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=f"{key}-reason",
        max_chars=LONGEST_REASON,
        placeholder="for example: half an hour later",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button("Save it", type="primary", key="schedule-save")
        if st.button("Leave it", key="schedule-leave"):
            st.rerun()
        draw("schedule-save-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if wanted:
        problems = [*([] if name else ["Name: is required"]), *wrong]
        if problems:
            draw("schedule-problem", error_note("Nothing was sent, as this is not right yet.", *problems))
        else:
            _save(site, name, {**body, "reason": reason.strip()})


def _save(site: Site, name: str, body: Mapping[str, Any]) -> None:
    actor = site.viewer()
    sent = send(lambda: site.publisher.put_schedule(name, body, actor), "saved", "Save it")
    site.schedule_reader.forget(name)
    if isinstance(sent, Unsent):
        draw("schedule-problem", sent.note)
        return
    st.toast("The schedule is saved.", icon=":material/schedule:")
    open_page("schedule", {"name": name})


def _first(site: Site) -> ScheduleEntries:
    """Return what the form of a new schedule begins with."""
    zone = st.context.timezone
    now = site.clock.now().replace(microsecond=0)
    at = (now + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    return ScheduleEntries(zone=zone if zone in _zones() else "UTC", at=at)


def _times(key: str, before: ScheduleEntries) -> ScheduleEntries:
    """Show when it is due."""
    way = st.segmented_control("When", timetable.WAYS, default=before.way, key=f"{key}-way", required=True)
    if way == timetable.ONCE:
        at = st.text_input("At", value=before.at, key=f"{key}-at", help=_MOMENT)
        return replace(before, way=way, at=at)
    if way == timetable.INTERVAL:
        interval = st.number_input(
            "Seconds between two due times", 1.0, value=float(before.interval), step=60.0, format="%g",
            key=f"{key}-interval",
        )  # fmt: skip
        return replace(before, way=way, interval=interval)
    left, right = st.columns(2)
    cron = left.text_input(
        "Cron expression", value=before.cron, key=f"{key}-cron",
        help="Minute, hour, day of month, month, weekday; with the seconds first, if there are six.",
    )  # fmt: skip
    zones = _zones()
    known = zones if before.zone in zones else (before.zone, *zones)
    zone = right.selectbox("Time zone", known, index=known.index(before.zone), key=f"{key}-zone")
    return replace(before, way=timetable.CRON, cron=cron, zone=zone)


def _job(site: Site, key: str, before: ScheduleEntries) -> ScheduleEntries:
    """Show which job it submits."""
    kinds = _kinds(site)
    chosen = before.kind or next(iter(kinds), "")
    options = kinds if chosen in kinds or not chosen else [chosen, *kinds]
    left, right = st.columns(2)
    kind = left.selectbox(
        "Kind of the job", options, index=options.index(chosen) if chosen else None, key=f"{key}-kind",
        accept_new_options=True,
    )  # fmt: skip
    lock = right.text_input(
        "Lock", value=before.lock, key=f"{key}-lock", placeholder="as the kind says, or default",
        max_chars=300,
    )  # fmt: skip
    conflicts = list(forms.CONFLICTS)
    conflict = st.selectbox(
        "When the lock is busy", conflicts, index=conflicts.index(before.on_conflict),
        format_func=lambda one: forms.CONFLICTS[one], key=f"{key}-conflict",
    )  # fmt: skip
    height = min(300, 68 + 22 * before.parameters.count("\n"))
    parameters = st.text_area(
        "Parameters (JSON)", value=before.parameters, key=f"{key}-parameters", height=height
    )
    return replace(before, kind=kind or "", lock=lock, on_conflict=conflict, parameters=parameters)


def _more(key: str, before: ScheduleEntries) -> ScheduleEntries:
    """Show what most schedules do not need."""
    with st.expander("More: start and end, missed due times, other fields of the job"):
        about = st.text_input("Description", value=before.description, key=f"{key}-about", max_chars=4000)
        start, end = before.start, before.end
        if before.way != timetable.ONCE:
            left, right = st.columns(2)
            start = left.text_input("Not before", value=start, key=f"{key}-start", help=_MOMENT)
            end = right.text_input("Not after", value=end, key=f"{key}-end", help=_MOMENT)
        misfire = st.selectbox(
            "Due times that were missed", MISFIRES, index=MISFIRES.index(before.misfire),
            format_func=lambda one: _MISFIRES[one], key=f"{key}-misfire",
        )  # fmt: skip
        left, right = st.columns(2)
        limit = before.misfire_limit
        if misfire == "all":
            limit = left.number_input(
                "Most jobs that make up", 1, MOST_MADE_UP, value=limit, key=f"{key}-limit"
            )
        after = right.number_input(
            "Missed after, in seconds", float(SHORTEST_LATENESS), value=float(before.misfire_after),
            step=30.0, format="%g", key=f"{key}-after",
        )  # fmt: skip
        rest = st.text_area(
            "Other fields of the job (JSON)", value=before.rest, key=f"{key}-rest", height=100,
            help="name, description, priority, expires_in, timeout, cancel_grace, properties",
        )  # fmt: skip
    return replace(
        before, description=about, start=start, end=end, misfire=misfire, misfire_limit=limit,
        misfire_after=after, rest=rest,
    )  # fmt: skip


def _preview(site: Site, body: Mapping[str, Any], schedule: Schedule | None) -> Node:
    """Return when the schedule would be due, or why it cannot be."""
    now = site.clock.now()
    try:
        words, following = timetable.preview(body, now, now if schedule is None else schedule.created_at)
    except InvalidSubmissionError as error:
        return error_note("It is never due like this.", *timetable.wrong_fields(error))
    times = node("ul", *(node("li", clock(at)) for at in following))
    text = node("div", node("p.what", words), node("p", "The next due times, by your clock:"), times)
    return node("div.alert.gray", icon("schedule"), text, role="status")


def _kinds(site: Site) -> list[str]:
    try:
        return sorted(kind.kind for kind in site.kinds.get().content)
    except PublisherAwayError:
        return []


@cache
def _zones() -> tuple[str, ...]:
    return ("UTC", *sorted(zone for zone in available_timezones() if "/" in zone))


_MOMENT = "With its offset, such as 2026-12-24T18:00:00+01:00, or Z for UTC."
