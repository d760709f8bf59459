"""The dialogs that pause, resume, run, create and change schedules."""

import json
from collections.abc import Sequence
from functools import partial
from typing import Any

import streamlit as st

from contracts.jobs import LONGEST_REASON
from contracts.schedules import MISFIRES, Schedule, definition_of
from dashboard.component import draw
from dashboard.parts.nodes import node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

#: Whether the page is to ask again although it asked a moment ago.
AGAIN = "schedules.again"

_NEW = "(a new one)"
_DONE = {"pause": "paused", "resume": "resumed", "run": "run"}
_BUTTONS = {"pause": "Pause it", "resume": "Resume it", "run": "Run it now"}
_EXAMPLE = {"kind": "ten-steps", "lock": "ledger-2026", "on_conflict": "skip"}


def show(site: Site, schedules: Sequence[Schedule]) -> None:
    """Show the buttons that open the dialogs."""
    if site.settings.read_only:
        return
    with st.container(key="frame-actions", horizontal=True, width="content"):
        if schedules and st.button("Pause, resume or run…", icon=":material/pause:", key="schedule-act"):
            st.dialog("Pause, resume or run a schedule", icon=":material/schedule:")(act_form)(
                site, schedules
            )
        if st.button("Create or change…", icon=":material/edit:", key="schedule-edit"):
            st.dialog("Create or change a schedule", icon=":material/edit:", width="large")(edit_form)(
                site, schedules
            )


def act_form(site: Site, schedules: Sequence[Schedule]) -> None:
    """Show what can be done with a schedule, and do what is chosen."""
    by_name = {schedule.name: schedule for schedule in schedules}
    schedule = by_name[st.selectbox("Schedule", list(by_name), key="schedule-act-name")]
    reason = _reason("schedule-act-reason")
    wanted = ["resume" if schedule.state == "paused" else "pause", "run"]
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = [what for what in wanted if st.button(_BUTTONS[what], key=f"schedule-{what}")]
        draw("schedule-act-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if chosen:
        what, actor = chosen[0], site.viewer()
        asked = partial(site.publisher.act_on_schedule, schedule.name, what, actor, reason)
        _finish(send(asked, _DONE[what], _BUTTONS[what]), f"The schedule is {_DONE[what]}.")


def edit_form(site: Site, schedules: Sequence[Schedule]) -> None:
    """Show what a schedule is to be, as JSON, and save it."""
    by_name = {schedule.name: schedule for schedule in schedules}
    chosen = st.selectbox("Schedule", [_NEW, *by_name], key="schedule-edit-name")
    earlier = by_name.get(chosen)
    shown = {"cron": "0 2 * * *", "zone": "UTC", "job": _EXAMPLE} if earlier is None else plain(earlier)
    name = st.text_input("Name", key=f"schedule-name-{chosen}", value="") if earlier is None else chosen
    text = st.text_area(
        "What it is to be, as JSON (all of it)",
        key=f"schedule-json-{chosen}",
        value=json.dumps(shown, indent=2, ensure_ascii=False),
        height=320,
        help=f"cron or interval, zone, start, end, misfire ({', '.join(MISFIRES)}), description, job.",
    )
    reason = _reason("schedule-edit-reason")
    if not st.button("Save it", type="primary", key="schedule-save"):
        return
    try:
        body = json.loads(text)
    except ValueError as error:
        draw("schedule-problem", node("div.alert.red", f"This is not JSON: {error}.", role="alert"))
        return
    actor = site.viewer()
    body = {**body, "reason": reason} if isinstance(body, dict) else body
    _finish(
        send(lambda: site.publisher.put_schedule(name, body, actor), "saved", "Save it"),
        "The schedule is saved.",
    )


def plain(schedule: Schedule) -> dict[str, Any]:
    """Return what a schedule is to be as people edit it: without what it does not say."""
    return definition_of(schedule).model_dump(mode="json", exclude_defaults=True)


def _reason(key: str) -> str:
    return st.text_input(
        "Why (others see it)", key=key, max_chars=LONGEST_REASON, placeholder="for example: month's end"
    ).strip()


def _finish(sent: object, said: str) -> None:
    if isinstance(sent, Unsent):
        draw("schedule-problem", sent.note)
        return
    st.session_state[AGAIN] = True
    st.toast(said, icon=":material/schedule:")
    st.rerun()
