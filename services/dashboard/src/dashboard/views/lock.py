"""The page of a lock: what runs, which workers had it, its line, take-overs, and every run by its fence."""

from typing import Any

import streamlit as st

from contracts import lock_names
from contracts.lock_names import LockNameError
from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import LockState, Snapshot, moment
from dashboard.component import draw
from dashboard.lock_past import DEFAULT_PERIOD, PERIODS, LockPast, past_of, period_start
from dashboard.parts.chips import Look, chip
from dashboard.parts.durations import count
from dashboard.parts.holder import holder_lane
from dashboard.parts.limits_card import limits_card
from dashboard.parts.lock_cards import about_card, fact_tiles, line_card, take_overs_card
from dashboard.parts.locks_table import FREE, HELD
from dashboard.parts.nodes import Node, clock, icon, link, node, since
from dashboard.parts.runs_table import runs_table
from dashboard.reading.lock import LockView
from dashboard.site import Site
from dashboard.views import limit_dialog

#: Least seconds between two pictures of a period and its facts, and parts of the period, of which each is a
#: pixel: a picture is made again once it looks different. What runs and waits is always new.
_PICTURE_SECONDS, _PICTURE_PARTS = 30.0, 800

#: Runs listed at first, and how many more at a time; jobs in line listed at first.
_RUNS_STEP, _FIRST_IN_LINE = 20, 10

_LIMIT = Look("Limit", "splitscreen", "gray")


def show(site: Site) -> None:
    """Show the lock that the address names."""
    asked = st.query_params.get("lock", "")
    try:
        name = lock_names.normalise(asked)
    except LockNameError as error:
        reason = str(error)
        frame.show_page(site, lambda _: _no_lock(asked, reason), is_live=False)
        return
    frame.show_page(site, lambda snapshot: _LockPage(site, name, snapshot).draw())


class _LockPage:
    def __init__(self, site: Site, name: str, snapshot: Snapshot) -> None:
        self._site = site
        self._name = name
        self._snapshot = snapshot
        self._now = site.clock.now()

    def draw(self) -> None:
        """Draw the page once."""
        view = self._read()
        if view is None:
            frame.head(self._name, "This lock could not be read yet.", crumb=_crumb())
            return
        state = view.state
        with st.container(horizontal=True, vertical_alignment="center", key="lock-head"):
            with st.container():
                frame.head(
                    self._name,
                    _sentence(view),
                    chips=(chip(HELD if state.is_busy else FREE), _limit_chip(state)),
                    crumb=_crumb(),
                    action=_proof_button(self._name) if view.is_used else None,
                )
            limit_dialog.show(self._site, state, may_act=self._snapshot.trouble is None)
        left, right = st.columns([2, 1], gap="small")
        if not view.is_used:
            with left:
                draw("lock-never", _never_used(self._name))
            return
        past = self._past(view)
        with left:
            workers = self._snapshot.heard(self._now)
            last = [view.last_run(slot.number) for slot in state.shown_slots]
            draw("lock-lane", holder_lane(state, workers, last, self._snapshot.judged_at(self._now)))
            self._draw_picture(past)
            draw("lock-facts", fact_tiles(past.history, past.label, self._name))
            self._draw_runs(past)
        with right:
            self._draw_right(view, past)

    def _read(self) -> LockView | None:
        """Read the lock; return what was read last while the storage does not answer."""
        kept: LockView | None = _kept("lock.view", (self._name,))
        if self._snapshot.trouble is not None and kept is not None:
            return kept
        since_when = period_start(_period(), self._now)
        board = self._snapshot.locks.get(self._name)
        try:
            view: LockView = self._site.reader.read(
                self._site.lock_reader.view(self._name, since_when, board)
            )
        except UnknownOutcomeError:
            return kept
        _keep("lock.view", (self._name,), view)
        if view.state.is_busy:
            self._site.board.watch([self._name])
        return view

    def _past(self, view: LockView) -> LockPast:
        theme = st.context.theme.type
        runs = tuple((slot.row.fence, slot.row.job_id) for slot in view.state.slots)
        length = (self._now - period_start(_period(), self._now)).total_seconds()
        part = self._now.timestamp() // max(_PICTURE_SECONDS, length / _PICTURE_PARTS)
        key = (self._name, _period(), theme, view.version, runs, part)
        known: LockPast | None = _kept("lock.past", key)
        if known is None:
            known = past_of(view, _period(), self._now, theme)
            _keep("lock.past", key, known)
        return known

    def _draw_picture(self, past: LockPast) -> None:
        with st.container(border=True, key="lock-picture"):
            with st.container(horizontal=True, vertical_alignment="center"):
                draw("lock-picture-title", past.title)
                _period_control()
            st.vega_lite_chart(
                past.chart, theme=None, key="lock-chart", width="stretch", alt=past.alternative(self._name)
            )
            draw("lock-legend", past.legend)

    def _draw_runs(self, past: LockPast) -> None:
        shown = _kept("lock.runs", (self._name,)) or _RUNS_STEP
        rows = past.history.rows
        more = None
        if len(rows) > shown:
            said = f"Show {min(_RUNS_STEP, len(rows) - shown)} more of {len(rows):,}"
            more = node("p.pad", node("button.action", said, act="runs"))
        body = node("p.pad.muted", "No run in this period.")
        if rows:
            body = runs_table(rows[:shown], self._name, has_slots=past.has_slots)
        each = "fence of each slot" if past.has_slots else "fence"
        title = node(
            "div.title", node("h2", "Runs, newest first"), node("span.aside", f"one row for each {each}")
        )
        seen = draw("lock-runs", node("section.card", title, body, more))
        if seen.act == "runs":
            _keep("lock.runs", (self._name,), shown + _RUNS_STEP)
            st.rerun(scope="fragment")

    def _draw_right(self, view: LockView, past: LockPast) -> None:
        in_line = _kept("lock.line", (self._name,)) or _FIRST_IN_LINE
        seen = draw("lock-line", line_card(view.state, in_line))
        if seen.act == "line":
            _keep("lock.line", (self._name,), len(view.state.line))
            st.rerun(scope="fragment")
        draw("lock-limits", node("div", limits_card(view.limits)))
        draw("lock-take-overs", take_overs_card(past.history, past.label))
        draw("lock-about", about_card(view, lock_names.partition(self._name)))


def _kept(name: str, key: tuple[Any, ...]) -> Any:
    """Return what this viewer's session keeps under a name, if it is of this key."""
    known = st.session_state.get(name)
    return known[1] if known is not None and known[0] == key else None


def _keep(name: str, key: tuple[Any, ...], value: object) -> None:
    st.session_state[name] = (key, value)


def _period() -> str:
    asked = st.query_params.get("period", DEFAULT_PERIOD)
    return asked if asked in PERIODS else DEFAULT_PERIOD


def _period_control() -> None:
    def choose() -> None:
        chosen = st.session_state.get("lock-period")
        if chosen in {None, DEFAULT_PERIOD}:
            st.query_params.pop("period", None)
        else:
            st.query_params["period"] = chosen

    st.session_state["lock-period"] = _period()
    st.segmented_control(
        "Period",
        list(PERIODS),
        format_func=lambda period: PERIODS[period][0],
        key="lock-period",
        label_visibility="collapsed",
        on_change=choose,
    )


def _crumb() -> Node:
    return link("locks", "Locks")


def _sentence(view: LockView) -> Node:
    state = view.state
    waiting = "no jobs wait" if not state.waiting else count(state.waiting, "job waits", "jobs wait")
    rule = ". One job at a time." if state.limit == 1 else f". At most {state.limit:,} jobs at a time."
    if len(state.held) > 1 or (state.is_busy and state.limit > 1):
        return node("span", node("b", state.slots_text), "; ", node("b", waiting), rule)
    if state.is_busy:
        (slot,) = state.held
        held = ["Held by ", node("b", slot.row.worker), " for ", since(moment(slot.row.started_at), "b")]
        return node("span", *held, "; ", node("b", waiting), rule)
    if not view.is_used:
        return "This lock is free. It was never used."
    runs = [run.ended_at for run in view.runs if run.ended_at is not None]
    ended = moment(state.freed_at) or max(runs, default=None)
    free: list[Node] = ["No holder"] if ended is None else ["Free since ", clock(ended, "b")]
    return node("span", *free, "; ", node("b", waiting), rule)


def _limit_chip(state: LockState) -> Node | None:
    return None if state.limit == 1 else chip(_LIMIT, f"Limit {state.limit:,}")


def _proof_button(name: str) -> Node:
    return node("a.button", icon("verified_user"), " Proof of this lock", go="proof", q={"lock": name})


def _never_used(name: str) -> Node:
    return node(
        "section.card",
        node(
            "div.empty",
            node("p.what", icon("lock_open"), " Free, never used."),
            node(
                "p",
                "No job has named this lock. It comes into being with the first job that does: ",
                link("submit", "submit one", {"lock": name}),
                ".",
            ),
        ),
    )


def _no_lock(asked: str, reason: str) -> None:
    frame.head("No such lock", "No lock can have this name.", crumb=_crumb())
    said = node("p.what", reason[:1].upper() + reason[1:], ".")
    shown = node("p", "The address asks for ", node("code", asked[:300]), ".") if asked else None
    draw("lock-no-name", node("section.card", node("div.empty", said, shown, link("locks", "All locks"))))
