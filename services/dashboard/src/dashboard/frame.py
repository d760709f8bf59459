"""What every page has: its head with one sentence, the Live control, notes about trouble, the foot line."""

import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import streamlit as st

from dashboard.board.poller import RETRY_SECONDS
from dashboard.board.snapshot import Snapshot
from dashboard.component import draw
from dashboard.dialog import show_opened
from dashboard.parts.durations import count
from dashboard.parts.nodes import Node, ago, clock, icon, link, node
from dashboard.site import Site

_IMAGES = Path(__file__).with_name("images")

_PAUSED_AT = "turnstile.paused_at"

#: Seconds that a page waits for the board's first read before it says that nothing is known yet.
_FIRST_READ_SECONDS = 3.0

#: The sentence of a page that shows what the board reads, before it has read anything.
NOTHING_READ = "The first numbers are being read."

#: What Streamlit's own elements need: page width, sizes of controls, and the place of the Live control.
_STYLE = """<style>
/* A refresh that waits for an answer changes nothing yet: what is shown does not fade. */
[data-stale="true"] { opacity: 1 !important; }
.stMainBlockContainer { max-width: 1504px; padding: 4.6rem 32px 1.5rem; }
[data-testid="stVerticalBlock"] { gap: .9rem; }
.stButton button, .stDownloadButton button, .stLinkButton a { min-height: 2.1rem; padding: .15rem .8rem; }
[data-testid="stLayoutWrapper"]:has(> .st-key-frame-live) { position: absolute; }
.st-key-frame-live { position: fixed; right: 4rem; top: .7rem; width: auto !important; gap: .3rem; }
.st-key-frame-live { z-index: 999991; }
/* A note brings the distance below it along; without one there is none. */
.st-key-frame-notes { margin-bottom: -.9rem; }
.st-key-frame-live button { border: 0; background: transparent; padding: 0 .2rem; }
[class*="st-key-field-"] { gap: .2rem !important; }
[data-testid="stBottom"]:not(:has(.st-key-jobs-bulk-count)) { display: none; }
.stPopover button { min-height: 2.1rem; padding: .15rem .8rem; }
@media (max-width: 700px) {
  .st-key-jobs-filters { flex-wrap: nowrap; overflow-x: auto; }
  .st-key-jobs-bulk-bar { display: none; }
  .stMainBlockContainer { padding: 4.2rem 13px 1rem; }
}
</style>"""


def configure() -> None:
    """Set what holds for all pages."""
    icon_file = str(_IMAGES / "icon.svg")
    st.set_page_config(page_title="Turnstile", layout="wide", page_icon=icon_file)
    # A theme that is not known yet is light.
    logo = str(_IMAGES / f"logo-{st.context.theme.type or 'light'}.svg")
    st.logo(logo, icon_image=logo)
    st.html(_STYLE)


def show_page(
    site: Site,
    body: Callable[[Snapshot], None],
    *,
    is_live: bool = True,
    every: float | None = None,
) -> None:
    """Show a page whose `body` draws the board's latest snapshot, again and again while it is open.

    `body` draws the head first (`head`) and must draw quickly. A page
    that is not live is drawn once, or every so many seconds.
    """
    every = _live_control(site) if is_live else every
    if show_opened():
        every = None

    def draw_once() -> None:
        snapshot = site.board.look(_FIRST_READ_SECONDS)
        draw("frame-notes", node("div", _trouble(snapshot), _overlaps(snapshot)))
        body(snapshot)
        foot(site, snapshot)
        if every is None and not is_live and snapshot.trouble is not None:
            show_again_when(lambda: site.board.look().trouble is None)

    st.fragment(draw_once, run_every=every)()


def show_again_when(is_over: Callable[[], bool]) -> None:
    """Look every few seconds whether a trouble is over, and show the page again then.

    For pages that are not live.
    """
    drawn = iter([True])

    def look() -> None:
        is_first = next(drawn, False)
        if not is_first and is_over():
            st.rerun()

    st.fragment(look, run_every=RETRY_SECONDS)()


def head(
    title: Node,
    sentence: Node,
    *,
    chips: tuple[Node | None, ...] = (),
    crumb: Node | None = None,
    action: Node | None = None,
) -> None:
    """Draw the head of a page: where it belongs, its name, and the one sentence that answers its question.

    `action` stands at the right: a link that looks like a button.
    """
    parts = [
        node("div.crumb", crumb) if crumb is not None else None,
        node("h1", node("span", title), *chips),
        node("p.sentence", sentence),
    ]
    draw("frame-head", node("header.head", node("div.grow", *parts), action))


def _trouble(snapshot: Snapshot) -> Node | None:
    """Return the note that the storage does not answer."""
    if snapshot.trouble is None:
        return None
    numbers = "Nothing was read yet." if snapshot.read_at is None else "What is shown is from "
    since = [] if snapshot.read_at is None else [clock(snapshot.read_at), "."]
    text = node(
        "div",
        node("p.what", "The storage does not answer, since ", ago(snapshot.trouble.since), "."),
        node(
            "p",
            numbers,
            *since,
            " Running jobs continue as long as their workers reach the storage.",
            " The dashboard tries again every 5 s.",
        ),
        node("span.mono", snapshot.trouble.error[:300]),
    )
    return node("div.alert.orange", icon("cloud_off"), text, role="status")


def _overlaps(snapshot: Snapshot) -> Node | None:
    """Return the note that the guarantee was broken, which every page shows."""
    if not snapshot.overlaps:
        return None
    first = snapshot.overlaps[0]
    others = len(snapshot.overlaps) - 1
    more = f" {count(others, 'more run')} overlapped, too." if others else ""
    text = node(
        "div",
        node("p.what", "Two runs of ", link("lock", first.lock, {"lock": first.lock}), " overlapped."),
        node(
            "p",
            f"The run with fence {first.fence:,} overlapped another one.{more}"
            " What jobs of this lock changed since then may be wrong. ",
            link("proof", "See the proof", {"lock": first.lock}),
        ),
    )
    return node("div.alert.red", icon("gpp_bad"), text, role="status")


def foot(site: Site, snapshot: Snapshot) -> None:
    """Draw the foot line: version, namespace, how fresh the numbers are, and what they cost."""
    zone = st.context.timezone or "UTC (the browser did not tell its zone)"
    requests = count(site.requests.per_minute(), "storage request")
    parts = [
        node("span", f"Turnstile {version('turnstile-dashboard')}"),
        node("span", f"namespace {site.settings.storage_namespace or 'default'}"),
        node("span", f"times in {zone}"),
        node("span", "read ", ago(snapshot.read_at)) if snapshot.read_at is not None else None,
        node("span", f"{requests} in the last minute, for all viewers"),
        node("span", "read-only") if site.settings.read_only else None,
    ]
    draw("frame-foot", node("div.foot", *parts), sets_clock=True)


def _live_control(site: Site) -> float | None:
    """Show the Live control; return the seconds between two refreshes, or None while paused or hidden."""
    paused_at = st.session_state.get(_PAUSED_AT)
    with st.container(key="frame-live", horizontal=True, vertical_alignment="center", width="content"):
        seen = draw("frame-watch", _live_word(paused_at), watch=True)
        st.button(
            "Resume" if paused_at else "Pause",
            icon=":material/play_arrow:" if paused_at else ":material/pause:",
            key="frame-pause",
            on_click=_toggle_pause,
            shortcut="P",
            help=f"Refreshes every {site.settings.refresh_seconds:g} s. Press P to pause or resume.",
        )
    return None if paused_at or seen.hidden else site.settings.refresh_seconds


def _toggle_pause() -> None:
    st.session_state[_PAUSED_AT] = None if st.session_state.get(_PAUSED_AT) else time.time()


def _live_word(paused_at: float | None) -> Node:
    if paused_at:
        return node("span.muted.nowrap", node("span", "Paused "), node("span", t="ago", at=paused_at * 1000))
    return node("span.nowrap", node("span.live"), " Live")
