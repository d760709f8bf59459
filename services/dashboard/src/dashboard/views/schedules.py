"""The page of schedules: when each is due, and what became of its latest due time."""

import streamlit as st

from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.parts.nodes import Node, icon, node
from dashboard.publisher_api import PublisherAwayError
from dashboard.schedule_page.table import schedules_card, sentence
from dashboard.site import Site
from dashboard.views import schedule_form


def show(site: Site) -> None:
    """Show the page."""

    def body(_: Snapshot) -> None:
        try:
            found = site.schedule_reader.all()
        except PublisherAwayError as error:
            frame.head("Schedules", "What is scheduled is not known.")
            draw("schedules-list", away(str(error)))
            return
        with st.container(horizontal=True, key="schedules-head"):
            with st.container():
                frame.head("Schedules", sentence(found))
            if not site.settings.read_only:
                with st.container(key="frame-actions", horizontal=True, width="content"):
                    schedule_form.button(site, None)
        draw("schedules-list", schedules_card(found))

    frame.show_page(site, body)


def away(sentence: str) -> Node:
    """Return the note that the publisher does not answer."""
    what = node("p.what", "Schedules cannot be read now.")
    text = node("div", what, node("p", f"{sentence} The page tries again by itself."))
    return node("div.alert.orange", icon("cloud_off"), text, role="status")
