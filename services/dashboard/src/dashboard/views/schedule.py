"""The page of a schedule: when it is due, what became of its due times, its job, and who changed it."""

import json

import streamlit as st

from contracts.schedules import ScheduleDetails
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.forms import timetable
from dashboard.parts.chips import chip
from dashboard.parts.nodes import copy_button, link, node
from dashboard.publisher_api import NotFoundError, PublisherAwayError, RefusedError
from dashboard.reading.schedules import ScheduleView
from dashboard.schedule_page.cards import (
    fact_tiles,
    history_card,
    job_card,
    next_card,
    sentence,
    trail_card,
)
from dashboard.schedule_page.words import ACTIONS, STATES, jobs_link
from dashboard.site import Site
from dashboard.views import schedule_dialogs, schedule_form
from dashboard.views.schedules import away

_CRUMB = link("schedules", "Schedules")


def show(site: Site) -> None:
    """Show the page."""
    name = st.query_params.get("name", "").strip()

    def body(_: Snapshot) -> None:
        try:
            view = site.schedule_reader.view(name) if name else None
        except PublisherAwayError as error:
            frame.head(name, "It cannot be read now.", crumb=_CRUMB)
            draw("schedule-away", away(str(error)))
        except (NotFoundError, RefusedError):
            _unknown(name)
        else:
            if view is None:
                _unknown(name)
            elif view.schedule is None:
                _deleted(name, view)
            else:
                _page(site, view, view.schedule)

    frame.show_page(site, body)


def _page(site: Site, view: ScheduleView, schedule: ScheduleDetails) -> None:
    with st.container(horizontal=True, key="schedule-head"):
        with st.container():
            title = node("span", schedule.name, copy_button(schedule.name, "the name"))
            frame.head(title, sentence(schedule), chips=(chip(STATES[schedule.state]),), crumb=_CRUMB)
        if not site.settings.read_only:
            _actions(site, schedule)
    about = node("p.text", schedule.description) if schedule.description else None
    draw("schedule-top", node("div.stack", about, fact_tiles(schedule)))
    left, right = st.columns([2, 1], gap="small")
    with left:
        draw("schedule-history", node("div.stack", history_card(schedule)))
        trail = trail_card(schedule.name, view.events, is_cut=view.is_cut)
        draw("schedule-trail", node("div.stack", trail))
    with right:
        draw("schedule-job", node("div.stack", next_card(schedule), job_card(schedule)))


def _actions(site: Site, schedule: ScheduleDetails) -> None:
    with st.container(key="frame-actions", horizontal=True, width="content"):
        schedule_dialogs.show(site, schedule)
        schedule_form.button(site, schedule)
        with st.popover("More", icon=":material/more_horiz:", key="schedule-more"):
            schedule_dialogs.button(site, schedule, schedule_dialogs.DELETE)
            text = json.dumps(timetable.definition(schedule), indent=2, ensure_ascii=False)
            copies = node(
                "ul.stack", node("li", "Copy it as JSON ", copy_button(text, "the schedule as JSON"))
            )
            draw("schedule-copies", copies)


def _deleted(name: str, view: ScheduleView) -> None:
    said = node("span", "This schedule was deleted. ", jobs_link(name, "Its jobs"), " are still there.")
    frame.head(name, said, chips=(chip(ACTIONS["deleted"]),), crumb=_CRUMB)
    draw("schedule-trail", node("div.stack", trail_card(name, view.events, is_cut=view.is_cut)))


def _unknown(name: str) -> None:
    frame.head("No such schedule", "No schedule has this name.", crumb=_CRUMB)
    draw(
        "schedule-unknown",
        node(
            "div.card.empty",
            node("p.what", "No schedule has this name."),
            node("p", "The name is ", node("code", name[:200] or "empty"), ". It may have been deleted."),
            node("p", link("schedules", "Show all schedules")),
        ),
    )
