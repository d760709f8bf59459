"""The dialogs that run, pause, resume and delete a schedule, each with a reason."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from contracts.identifiers import new_id
from contracts.jobs import LONGEST_REASON
from contracts.schedules import Schedule, ScheduleFiring
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.navigation import open_page
from dashboard.parts.chips import Look
from dashboard.parts.nodes import node
from dashboard.publisher_api import PublisherApi
from dashboard.schedule_page.words import OUTCOMES
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

#: Name of the request of the dialog that was opened last: pressing its button twice asks for one run.
_KEY = "schedule.run-key"


@dataclass(frozen=True)
class ScheduleAct:
    """Something that is done to a schedule."""

    name: str
    look: Look
    question: str
    points: tuple[str, ...]
    button: str
    keep: str
    #: Asks the publisher: the schedule's name, the viewer's name, the reason, the name of the request.
    ask: Callable[[PublisherApi, str, str, str, str], ScheduleFiring | None]
    done: str
    example: str


RUN = ScheduleAct(
    name="run",
    look=Look("Run now…", "play_circle", "blue"),
    question="Run this schedule now?",
    points=(
        "Its job is submitted now, and waits in the line of its lock.",
        "The next due time stays as it is.",
    ),
    button="Run it now",
    keep="Leave it",
    ask=lambda publisher, name, actor, reason, key: publisher.run_schedule(name, actor, reason, key),
    done="run",
    example="yesterday's numbers came late",
)
PAUSE = ScheduleAct(
    name="pause",
    look=Look("Pause…", "pause", "violet"),
    question="Pause this schedule?",
    points=(
        "Nothing is due until it is resumed. Due times of the pause are not made up for.",
        "Jobs that it has submitted go on; it can still be run by hand.",
    ),
    button="Pause it",
    keep="Leave it",
    ask=lambda publisher, name, actor, reason, _: publisher.pause_schedule(name, actor, reason),
    done="paused",
    example="month's end",
)
RESUME = ScheduleAct(
    name="resume",
    look=Look("Resume…", "play_arrow", "green"),
    question="Resume this schedule?",
    points=("It is due again from now on. Due times of the pause are over.",),
    button="Resume it",
    keep="Leave it paused",
    ask=lambda publisher, name, actor, reason, _: publisher.resume_schedule(name, actor, reason),
    done="resumed",
    example="the month is closed",
)
DELETE = ScheduleAct(
    name="delete",
    look=Look("Delete…", "delete", "red"),
    question="Delete this schedule?",
    points=(
        "It submits nothing any more. Its jobs and its audit trail stay.",
        "To stop it for a while, pause it instead.",
    ),
    button="Delete it",
    keep="Keep it",
    ask=lambda publisher, name, actor, reason, _: publisher.delete_schedule(name, actor, reason),
    done="deleted",
    example="the report is not needed any more",
)


def show(site: Site, schedule: Schedule, *, disabled: bool = False) -> None:
    """Show the buttons that open the dialogs which fit a schedule, but for the one that deletes it."""
    for act in (RUN, RESUME if schedule.state == "paused" else PAUSE):
        if act is PAUSE and schedule.state == "ended":
            continue
        button(site, schedule, act, disabled=disabled)


def button(site: Site, schedule: Schedule, act: ScheduleAct, *, disabled: bool = False) -> None:
    """Show the button that opens a dialog."""
    icon = f":material/{act.look.icon}:"
    kind: Literal["tertiary", "secondary"] = "tertiary" if act is DELETE else "secondary"
    if st.button(act.look.word, icon=icon, key=f"schedule-{act.name}", type=kind, disabled=disabled):
        st.session_state[_KEY] = new_id()
        open_dialog(act.question, icon, lambda: ask(site, schedule, act))


def ask(site: Site, schedule: Schedule, act: ScheduleAct) -> None:
    """Ask whether to do something to a schedule, and do it."""
    points = node("ul.points", *(node("li", point) for point in act.points))
    about = node("p.muted", schedule.words)
    draw("schedule-what", node("div", node("b", schedule.name), about, points))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key="schedule-reason",
        max_chars=LONGEST_REASON,
        placeholder=f"for example: {act.example}",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(act.button, type="primary", key="schedule-yes")
        if st.button(act.keep, key="schedule-no"):
            st.rerun()
        draw("schedule-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor, key = site.viewer(), st.session_state.setdefault(_KEY, new_id())
    sent = send(
        lambda: act.ask(site.publisher, schedule.name, actor, reason.strip(), key), act.done, act.button
    )
    site.schedule_reader.forget(schedule.name)
    if isinstance(sent, Unsent):
        draw("schedule-problem", sent.note)
        return
    st.session_state.pop(_KEY, None)
    if act is DELETE:
        open_page("schedules", {})
        return
    said = f"The schedule is {act.done}."
    if sent is not None:
        said = f"Run by hand: {OUTCOMES[sent.outcome].word.lower()}."
    st.toast(said, icon=f":material/{act.look.icon}:")
    st.rerun()
