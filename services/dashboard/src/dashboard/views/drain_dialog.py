"""The dialog that has a worker take no new jobs, or take them again."""

from collections.abc import Sequence

import streamlit as st

from contracts.jobs import LONGEST_REASON, Worker
from dashboard.component import draw
from dashboard.dialog import open_dialog
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, node
from dashboard.site import Site
from dashboard.views.sending import Unsent, send

_REASON, _CHOSEN = "worker-drain-reason", "worker-drain-chosen"


def show(site: Site, workers: Sequence[Worker]) -> None:
    """Show the button that opens the dialog, if there is a worker that can be told something."""
    if site.settings.read_only or not workers:
        return
    with st.container(key="frame-actions", horizontal=True, width="content"):
        if st.button("Drain or resume…", icon=":material/hourglass:", key="worker-drain"):
            open_dialog("Drain or resume a worker", ":material/hourglass:", lambda: _ask(site, workers))


def _ask(site: Site, workers: Sequence[Worker]) -> None:
    by_name = {worker.worker: worker for worker in workers}
    name = st.selectbox("Worker", list(by_name), key=_CHOSEN, format_func=lambda one: label(by_name[one]))
    worker = by_name[name]
    drains = worker.drain is None
    draw("worker-drain-what", consequences(worker))
    reason = st.text_input(
        "Why (others see it)",
        key=_REASON,
        max_chars=LONGEST_REASON,
        placeholder="for example: update of the host",
    )
    button = "Drain the worker" if drains else "Let it take jobs again"
    with st.container(horizontal=True, vertical_alignment="center"):
        wanted = st.button(button, type="primary", key="worker-drain-yes")
        if st.button("Leave it", key="worker-drain-no"):
            st.rerun()
        draw("worker-drain-who", node("span.muted", "recorded as ", node("b", site.viewer())))
    if not wanted:
        return
    actor, tell = site.viewer(), site.publisher.drain if drains else site.publisher.resume
    sent = send(lambda: tell(name, actor, reason.strip()), "drained" if drains else "resumed", button)
    if isinstance(sent, Unsent):
        draw("worker-drain-problem", sent.note)
        return
    st.session_state.pop(_REASON, None)
    st.toast("The worker is told with its next heartbeat, within 20 s.", icon=":material/hourglass:")
    st.rerun()


def label(worker: Worker) -> str:
    """Return a worker's name, with what it was told."""
    if worker.drain is None:
        return worker.worker
    return f"{worker.worker} ({'drained' if worker.is_drained else 'draining'})"


def consequences(worker: Worker) -> Node:
    """Return what happens if the worker is drained or, when it drains already, resumed."""
    if worker.drain is not None:
        return node("p", "It takes new jobs again from its next heartbeat on.")
    runs = len(worker.running)
    points = [
        "It takes no new jobs from its next heartbeat on; other workers take what waits.",
        f"It ends the {count(runs, 'job')} that it runs." if runs else "It runs no job now.",
        "That stays so until it is resumed, also when its process is replaced under the same name.",
    ]
    return node("ul.points", *(node("li", point) for point in points))
