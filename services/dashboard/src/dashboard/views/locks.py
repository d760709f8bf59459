"""The page of all locks: those in use as lanes, and every lock by name."""

import streamlit as st

from contracts.jobs import Page
from coordination.ports import UnknownOutcomeError
from dashboard import frame
from dashboard.board.snapshot import LockState, Snapshot
from dashboard.component import draw
from dashboard.parts.durations import count
from dashboard.parts.holder import lock_lane
from dashboard.parts.locks_table import locks_table
from dashboard.parts.nodes import Node, icon, link, node, since
from dashboard.site import Site
from read_models.cursors import CursorError
from read_models.documents import KnownLock

_MOST_LANES = 12

#: Where the pages before this one began, for the way back.
_WAY = "locks.way"

#: What the address names: the start of the names, and where the page begins.
_PREFIX, _CURSOR = "q", "after"


def show(site: Site) -> None:
    """Show the locks."""
    frame.show_page(site, lambda snapshot: _draw(site, snapshot))


def _draw(site: Site, snapshot: Snapshot) -> None:
    used = sorted(
        (lock for lock in snapshot.locks.values() if lock.is_busy or lock.waiting),
        key=lambda lock: (-lock.waiting, lock.began_at, lock.name),
    )
    frame.head("Locks", _sentence(snapshot, used))
    site.board.watch([lock.name for lock in used[:_MOST_LANES]])
    draw("locks-lanes", _lanes(snapshot, used, site))
    _prefix_field()
    _draw_list(site, snapshot)


def _sentence(snapshot: Snapshot, used: list[LockState]) -> Node:
    if snapshot.read_at is None:
        return frame.NOTHING_READ
    if not used:
        return "No lock is held, and no job waits for one."
    parts: list[Node] = [node("b", count(len(snapshot.busy), "lock is held", "locks are held"))]
    if snapshot.waiting:
        waiting = count(snapshot.waiting, "job waits", "jobs wait")
        parts += [", ", node("b", waiting), ", the oldest for ", since(snapshot.oldest_wait, "b")]
    return node("span", *parts, ".")


def _lanes(snapshot: Snapshot, used: list[LockState], site: Site) -> Node:
    if snapshot.read_at is None:
        return node("div")
    if not used:
        return node("section.card", node("p.empty", icon("lock_open"), " All locks are free."))
    now = site.clock.now()
    workers, judged_at = snapshot.heard(now), snapshot.judged_at(now)
    lanes = [lock_lane(lock, workers, judged_at) for lock in used[:_MOST_LANES]]
    more = len(used) - len(lanes)
    rest = node("p.pad.muted", f"and {more:,} more in use") if more else None
    title = node("div.title", node("h2", "In use"), node("span.aside", "longest line first"))
    return node("section.card", title, node("div", *lanes), rest)


def _prefix_field() -> None:
    def search() -> None:
        _go(st.session_state["locks-prefix"].strip(), None)
        st.session_state[_WAY] = []

    st.session_state["locks-prefix"] = st.query_params.get(_PREFIX, "")
    st.text_input(
        "Find a lock",
        key="locks-prefix",
        placeholder="The start of its name",
        max_chars=200,
        icon=":material/search:",
        on_change=search,
        width=360,
    )


def _draw_list(site: Site, snapshot: Snapshot) -> None:
    prefix, cursor = st.query_params.get(_PREFIX, ""), st.query_params.get(_CURSOR)
    page = _read(site, snapshot, prefix, cursor)
    if page is None:
        body: list[Node] = [node("p.empty", "The list could not be read yet.")]
    elif page.items:
        body = [locks_table(page.items, snapshot.locks), _foot(page, cursor)]
    else:
        body = [_nothing(prefix, cursor)]
    title = node("div.title", node("h2", "All locks"), node("span.aside", "by name"))
    seen = draw("locks-all", node("section.card", title, *body))
    if seen.act is None:
        return
    way = st.session_state.setdefault(_WAY, [])
    if seen.act == "next" and page is not None:
        way.append(cursor)
        _go(prefix, page.next)
    elif seen.act == "back":
        _go(prefix, way.pop() if way else None)
    elif seen.act == "first":
        way.clear()
        _go(prefix, None)
    elif seen.act == "all":
        way.clear()
        _go("", None)
    st.rerun(scope="fragment")


def _read(site: Site, snapshot: Snapshot, prefix: str, cursor: str | None) -> Page[KnownLock] | None:
    """Read a page of the list; return what was read last while the storage does not answer."""
    key = (prefix, cursor)
    known = st.session_state.get("locks.page")
    kept: Page[KnownLock] | None = known[1] if known is not None and known[0] == key else None
    if snapshot.trouble is not None and kept is not None:
        return kept
    try:
        page: Page[KnownLock] = site.reader.read(site.lock_list.page(prefix, cursor))
    except CursorError:
        page = Page[KnownLock](items=[])
    except UnknownOutcomeError:
        return kept
    st.session_state["locks.page"] = (key, page)
    return page


def _foot(page: Page[KnownLock], cursor: str | None) -> Node:
    buttons = []
    if cursor is not None:
        buttons += [
            node("button.action", "First page", act="first"),
            node("button.action", "Back", act="back"),
        ]
    if page.next is not None:
        buttons.append(node("button.action", "Next page", act="next"))
    said = count(len(page.items), "lock") + (" on this page" if buttons else "")
    return node("div.title.below", node("span.aside", said), node("span.buttons", *buttons))


def _nothing(prefix: str, cursor: str | None) -> Node:
    if cursor is not None:
        first = node("button.action", "Show the first page", act="first")
        return node(
            "div.empty", node("p.what", "The address names a page that this list does not have."), first
        )
    if prefix:
        every = node("button.action", "Show all locks", act="all")
        said = node("p.what", "No lock has a name that starts with ", node("b", prefix), ".")
        return node("div.empty", said, every)
    first_job = link("submit", "submit one")
    said = node("p", "Locks come into being with the first job that names them: ", first_job, ".")
    return node("div.empty", node("p.what", "No lock was ever used."), said)


def _go(prefix: str, cursor: str | None) -> None:
    wanted = {_PREFIX: prefix, _CURSOR: cursor}
    for name, value in wanted.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)
