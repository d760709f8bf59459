"""The page Overview: whether all is well, and if not, where."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import streamlit as st

from contracts.heartbeats import Pulse, pulse
from contracts.jobs import Worker
from dashboard import frame
from dashboard.board.snapshot import LockState, Snapshot
from dashboard.board.statistics import whole_minute
from dashboard.component import draw
from dashboard.fleet import fleet
from dashboard.overview_page.charts import ended_chart, waits_chart
from dashboard.overview_page.events_card import events_card
from dashboard.overview_page.failed_card import failed_card
from dashboard.overview_page.health import health_card
from dashboard.overview_page.tiles import tiles
from dashboard.palette import palette
from dashboard.parts.durations import count
from dashboard.parts.holder import free_lane, lock_lane
from dashboard.parts.nodes import Node, ago, copy_button, icon, link, node, since
from dashboard.site import Site

_MOST_LANES, _MOST_FREE_LANES = 12, 5

#: Height of a chart's card, with or without a chart, in pixels.
_CHART_HEIGHT = 220

#: Charts change by minutes: drawing them at every refresh would cost more than all else.
_CHART_SECONDS = 30.0


def show(site: Site) -> None:
    """Show the page."""
    frame.show_page(site, lambda snapshot: _draw(site, snapshot))


def _draw(site: Site, snapshot: Snapshot) -> None:
    now = snapshot.judged_at(site.clock.now())
    frame.head("Overview", sentence(snapshot))
    if snapshot.read_at is None:
        return
    if not snapshot.is_used:
        draw("overview-first", _first_steps(site))
        return
    lanes = lanes_to_show(snapshot, now)
    site.board.watch(lock.name for lock in lanes if lock.is_busy)
    draw("overview-tiles", node("div", _no_worker(snapshot, now), tiles(snapshot, now)))
    left, right = st.columns([2, 1])
    with left:
        draw("overview-lanes", _lanes(snapshot.heard(site.clock.now()), lanes, now))
        _draw_charts(snapshot, now)
        draw("overview-failed", failed_card(snapshot))
    with right:
        draw("overview-events", events_card(snapshot.events, snapshot.names))
        draw("overview-health", health_card(snapshot, now))


def sentence(snapshot: Snapshot) -> Node:
    """Return the sentence that says how busy the locks are."""
    if snapshot.read_at is None:
        return frame.NOTHING_READ
    busy, known, waiting = len(snapshot.busy), len(snapshot.locks), snapshot.waiting
    locks = f"{busy} of {count(known, 'lock')} used lately {'is' if busy == 1 else 'are'} busy"
    if not busy:
        locks = "No lock is busy"
    if not waiting:
        return node("span", locks, ", no job waits.")
    jobs = node("b", f"{count(waiting, 'job')} {'waits' if waiting == 1 else 'wait'}")
    return node("span", locks, ", ", jobs, ", the oldest for ", since(snapshot.oldest_wait, "b"), ".")


def lanes_to_show(snapshot: Snapshot, now: datetime) -> list[LockState]:
    """Return the locks that are shown: those in use, worst first, and a few free ones when they are few."""
    workers = {worker.worker: worker for worker in snapshot.workers}

    def place(lock: LockState) -> tuple[bool, int, str, str]:
        holders = (workers.get(slot.row.worker) for slot in lock.held)
        is_well = all(worker is None or pulse(worker, now) is Pulse.ALIVE for worker in holders)
        return is_well, -lock.waiting, lock.began_at, lock.name

    used = sorted((lock for lock in snapshot.locks.values() if lock.is_busy or lock.waiting), key=place)
    if len(used) >= _MOST_FREE_LANES:
        return used[:_MOST_LANES]
    free = sorted(
        (
            lock
            for lock in snapshot.locks.values()
            if not lock.is_busy and not lock.waiting and lock.last_fence
        ),
        key=lambda lock: lock.freed_at,
        reverse=True,
    )
    return [*used, *free[: _MOST_FREE_LANES - len(used)]]


def _lanes(workers: Mapping[str, Worker], lanes: Sequence[LockState], now: datetime) -> Node:
    rows = [
        lock_lane(lock, workers, now) if lock.is_busy or lock.waiting else free_lane(lock) for lock in lanes
    ]
    aside = node("span.aside", "those in use first · ", link("locks", "all locks"))
    inside = (
        node("div", *rows, hold="locks") if rows else node("p.empty", "No lock was used in the last hour.")
    )
    title = node("div.title", node("h2", "Locks"), aside)
    return node("section.card", title, inside, aria_label="Locks")


def _no_worker(snapshot: Snapshot, now: datetime) -> Node | None:
    workers = fleet(snapshot.workers, now)
    if workers.alive:
        return None
    last = max((worker.seen_at for worker in snapshot.workers), default=None)
    heard = (
        ["No worker was ever heard."]
        if last is None
        else ["No worker is alive; the last one was heard ", ago(last), "."]
    )
    waiting = (
        f"{count(snapshot.waiting, 'job')} waiting."
        if snapshot.waiting
        else "Jobs that are submitted now wait."
    )
    text = node("div", node("p.what", *heard), node("p", waiting))
    return node("div.alert.red", icon("heart_broken"), text, role="status")


def _first_steps(site: Site) -> Node:
    command = "turnstile submit ten-steps --lock ledger-2026"
    request = (
        f"curl {site.settings.public_url}/api/v1/jobs -H 'Content-Type: application/json'"
        """ -d '{"kind": "ten-steps", "lock": "ledger-2026"}'"""
    )
    submit = None if site.settings.read_only else node("p", "Or use the page ", link("submit", "Submit"), ".")
    return node(
        "section.card",
        node(
            "div.empty.stack",
            node("p.what", "No job yet."),
            node("p", "Submit one from the command line:"),
            node("p", node("code", command), copy_button(command, "the command")),
            node("p", "or over HTTP:"),
            node("p", node("code", request), copy_button(request, "the request")),
            submit,
        ),
    )


def _draw_charts(snapshot: Snapshot, now: datetime) -> None:
    # The same picture for some time, as a browser draws again what differs in anything.
    until = whole_minute(now) + timedelta(minutes=1)
    colours = palette(st.context.theme.type)
    pictures = (
        ("ended", "Ended per five minutes", _ENDED_LEGEND, ended_chart(snapshot.statistics, until, colours)),
        ("waits", "Wait before the start", _WAITS_LEGEND, waits_chart(snapshot.statistics, until, colours)),
    )
    for column, (name, words, legend, chart) in zip(st.columns(2), pictures, strict=True):
        with column, st.container(border=True, key=f"overview-{name}", height=_CHART_HEIGHT):
            draw(f"overview-{name}-title", _chart_title(words, legend))
            if chart is None:
                draw(f"overview-{name}-none", node("p.muted", "Nothing in the last three hours."))
            else:
                st.vega_lite_chart(chart, key=f"overview-{name}-chart", width="stretch")


_ENDED_LEGEND = (("green", "Completed"), ("red", "Failed or timed out"), ("violet", "Cancelled"))
_WAITS_LEGEND = (("", "— median"), ("", "- - p95"))


def _chart_title(words: str, legend: Sequence[tuple[str, str]]) -> Node:
    marks = [node("span", node(f"span.swatch.{hue}") if hue else None, f" {word}") for hue, word in legend]
    return node("div.charttitle", node("h2", words), node("span.legend", *marks))
