"""The page of the proof: what the records say about one lock and one period, and how others can check it."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import streamlit as st

from contracts import lock_names
from contracts.lock_names import LockNameError
from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.palette import palette
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, icon, link, node
from dashboard.parts.run_legend import run_legend
from dashboard.proof.choice import draw_choice
from dashboard.proof.others import others_cards
from dashboard.proof.period import Period, PeriodError, read_period
from dashboard.proof.picture import run_picture
from dashboard.proof.progress import progress_box
from dashboard.proof.report import Report
from dashboard.proof.rules import rules_card
from dashboard.proof.take_overs import take_overs_list
from dashboard.proof.tiles import number_tiles
from dashboard.proof.verdict import nothing_box, verdict_box, violations_card
from dashboard.site import Site
from proof import Asked, Check, State

_SENTENCE = "What the records say about one lock and one period, checked from the journal itself."

#: Locks offered by name; others can be typed.
_MOST_OFFERED = 500

#: Locks that the empty page leads to.
_MOST_LINKS = 12

#: Seconds for which these names are kept.
_NAMES_SECONDS = 60.0

#: Seconds between two looks at a check that is under way.
_LOOK_SECONDS = 0.5


def show(site: Site) -> None:
    """Show the proof for the lock and the period that the address names."""
    page = _ProofPage(site)
    every = _LOOK_SECONDS if page.is_under_way() else None
    frame.show_page(site, lambda snapshot: page.draw(snapshot, every), is_live=False, every=every)


@dataclass(frozen=True)
class _Subject:
    """What is to be checked, and the key under which all viewers share its check."""

    lock: str
    period: Period

    @property
    def key(self) -> str:
        return "\n".join([self.lock, *(f"{name}={value}" for name, value in self.period.query.items())])

    def asked(self, now: datetime) -> Asked:
        return Asked(self.lock, *self.period.bounds(now))


class _ProofPage:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._trouble = ""

    def is_under_way(self) -> bool:
        """Return whether what the address names is being checked; start it, if that takes little."""
        subject = self._subject()
        return subject is not None and self._site.checks.under_way(subject.key) is not None

    def draw(self, snapshot: Snapshot, every: float | None) -> None:
        """Draw the page; `every` is how often this is done, which only a run of the script can change."""
        if self.is_under_way() is not (every is not None):
            st.rerun()
        frame.head("Proof", _SENTENCE)
        subject = self._subject()
        names = self._lock_names(snapshot)
        with st.container(
            horizontal=True,
            vertical_alignment="bottom",
            horizontal_alignment="distribute",
            key="proof-controls",
        ):
            with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
                draw_choice(names)
            with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
                report = self._draw_actions(subject)
        if self._trouble:
            draw("proof-verdict", _note("orange", "error", self._trouble))
        elif subject is None:
            draw("proof-verdict", _no_lock(names))
        elif (check := self._site.checks.under_way(subject.key)) is not None:
            draw("proof-verdict", progress_box(check))
        elif report is not None:
            self._draw_report(report, subject.period)
        else:
            draw("proof-verdict", _without_report(self._site.checks.last(subject.key)))

    # --- what is asked for --------------------------------------------------------

    def _subject(self) -> _Subject | None:
        """Return what the address names, and start its check if that takes little; None without a lock."""
        query = st.query_params
        self._trouble = ""
        if not query.get("lock"):
            return None
        try:
            subject = _Subject(lock_names.normalise(query["lock"]), read_period(query))
        except LockNameError as error:
            self._trouble = f"No lock can have this name: {error}."
            return None
        except PeriodError as error:
            self._trouble = str(error)
            return None
        checks = self._site.checks
        now = self._site.clock.now()
        is_new = checks.under_way(subject.key) is None and checks.last(subject.key) is None
        if is_new and subject.period.is_short(now):
            checks.start(subject.key, subject.asked(now))
        return subject

    def _lock_names(self, snapshot: Snapshot) -> list[str]:
        """Return the locks to choose from: those on the board, and the first of all known ones."""
        read_at, known = st.session_state.get("proof.locks", (0.0, []))
        now = self._site.clock.boot()
        if snapshot.trouble is None and now - read_at >= _NAMES_SECONDS:
            # Without an answer, the names that were read before are offered.
            with suppress(UnknownOutcomeError):
                page = self._site.reader.read(self._site.models.locks(_MOST_OFFERED))
                known = [lock.lock for lock in page.items]
                st.session_state["proof.locks"] = (now, known)
        return sorted({*known, *snapshot.locks})

    # --- what can be done ---------------------------------------------------------

    def _draw_actions(self, subject: _Subject | None) -> Report | None:
        """Draw the buttons, and return the report that they are about."""
        if subject is None:
            return None
        checks, key = self._site.checks, subject.key
        if checks.under_way(key) is not None:
            st.button("Stop", icon=":material/stop:", key="proof-stop", on_click=checks.stop, args=(key,))
            return None
        last = checks.last(key)
        st.button(
            "Check" if last is None else "Check again",
            icon=":material/refresh:",
            key="proof-check",
            type="primary" if last is None else "secondary",
            on_click=self._start,
            args=(subject,),
        )
        if last is None or last.state is not State.DONE:
            return None
        report = Report(last)
        st.download_button(
            "JSON",
            report.text,
            report.file_name("json"),
            "application/json",
            icon=":material/download:",
            key="proof-json",
            on_click="ignore",
        )
        st.download_button(
            "Page for others",
            report.page,
            report.file_name("html"),
            "text/html",
            icon=":material/download:",
            key="proof-page",
            type="primary",
            on_click="ignore",
        )
        return report

    def _start(self, subject: _Subject) -> None:
        self._site.checks.start(subject.key, subject.asked(self._site.clock.now()))

    # --- what came of it ----------------------------------------------------------

    def _draw_report(self, report: Report, period: Period) -> None:
        draw("proof-verdict", verdict_box(report, period))
        draw("proof-numbers", number_tiles(report))
        found = violations_card(report)
        if found is not None:
            draw("proof-violations", found)
        if report.runs:
            _draw_picture(report)
        left, right = st.columns([2, 1], gap="small")
        with left:
            draw("proof-rules", rules_card(report))
        with right:
            draw("proof-others", others_cards(report))


def _draw_picture(report: Report) -> None:
    picture = run_picture(report, palette(st.context.theme.type))
    with st.container(border=True, key="proof-picture"):
        legend = run_legend(picture.states, has_take_overs=bool(picture.take_overs))
        draw("proof-picture-title", node("div.title.bare", node("h2", picture.title), legend))
        counts = report.counts
        st.vega_lite_chart(
            picture.chart,
            theme=None,
            key="proof-chart",
            width="stretch",
            alt=f"{picture.title}. {counts['runs']:,} runs of {counts['jobs']:,} jobs by worker over time, "
            f"with {count(len(picture.take_overs), 'take-over')}.",
        )
        listed = take_overs_list(report)
        if listed is not None:
            draw("proof-take-overs", listed)


def _no_lock(names: Sequence[str]) -> Node:
    said = "Choose a lock to check." if names else "No lock was used yet."
    links = [node("li", link("proof", name, {"lock": name})) for name in names[:_MOST_LINKS]]
    return node(
        "section.card", node("div.empty", node("p.what", said), node("ul", *links) if links else None)
    )


def _without_report(check: Check | None) -> Node:
    """Return what stands in the place of a verdict."""
    if check is None:
        return _note(
            "gray", "shield", "Not checked yet. A long period is checked when you ask for it: press Check."
        )
    if check.state is State.NOTHING:
        return nothing_box(check.message)
    if check.state is State.STOPPED:
        return _note("gray", "stop_circle", "The check was stopped. It says nothing about this lock.")
    return _note("orange", "cloud_off", f"Not checked: {check.message}.")


def _note(hue: str, symbol: str, sentence: str) -> Node:
    return node(f"div.alert.{hue}", icon(symbol), node("p.what", sentence), role="status")
