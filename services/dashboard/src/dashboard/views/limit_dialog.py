"""The dialog that sets how many jobs of a lock may run at the same time."""

import streamlit as st

from contracts.jobs import LONGEST_REASON
from contracts.policies import MOST_SLOTS
from dashboard.board.snapshot import LockState
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

_LIMIT, _REASON = "lock-limit-number", "lock-limit-reason"


def show(site: Site, state: LockState, *, may_act: bool) -> None:
    """Show the button that opens the dialog, where the viewer may act."""
    if site.settings.read_only:
        return
    with st.container(key="frame-actions", horizontal=True, width="content"):
        if st.button("Limit…", icon=":material/splitscreen:", key="lock-limit", disabled=not may_act):
            st.session_state[_LIMIT] = state.limit
            open_dialog("How many jobs at the same time?", ":material/splitscreen:", lambda: ask(site, state))


def ask(site: Site, state: LockState) -> None:
    """Ask for the limit of a lock, and set it."""
    draw("lock-limit-name", node("b", state.name))
    st.session_state.setdefault(_LIMIT, state.limit)
    limit = int(st.number_input("Limit", 1, MOST_SLOTS, step=1, key=_LIMIT))
    draw("lock-limit-what", consequences(state, limit))
    reason = st.text_input(
        "Why (kept in the audit trail)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: the service takes three at a time",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(
            "Set the limit", type="primary", key="lock-limit-yes", disabled=limit == state.limit
        )
        if st.button("Leave it", key="lock-limit-no"):
            st.rerun()
        draw("lock-limit-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor = site.viewer()
    sent = send(
        lambda: site.publisher.set_limit(state.name, limit, actor, reason.strip()), "set", "Set the limit"
    )
    if isinstance(sent, Unsent):
        draw("lock-limit-problem", sent.note)
        return
    st.session_state.pop(_REASON, None)
    site.board.reread(state.name)
    site.lock_reader.forget(state.name)
    st.toast(f"The limit is {sent.limit}.", icon=":material/splitscreen:")
    st.rerun()


def consequences(state: LockState, limit: int) -> Node:
    """Return what happens if the limit of a lock is set."""
    if limit == state.limit:
        points = [f"{_jobs(limit)} may run at the same time now. Nothing changes."]
    elif limit > state.limit:
        points = [
            f"{_jobs(limit)} may run at the same time, in slots of their own with fences of their own.",
            "Runs of this lock then overlap: their handlers must be made for that.",
            "All services must be of a release that knows limits.",
        ]
    else:
        above = sum(slot.number >= limit for slot in state.held)
        runs = (
            f"{count(above, 'job')} in slots above the limit runs on"
            if above == 1
            else (f"{count(above, 'job')} in slots above the limit run on" if above else "No job is ended")
        )
        points = [f"{_jobs(limit)} may run at the same time.", f"{runs}; no other is started there."]
    return node("ul.points", *(node("li", point) for point in points))


def _jobs(limit: int) -> str:
    return "One job" if limit == 1 else f"{limit:,} jobs"
