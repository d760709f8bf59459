"""The page Overview: whether all is well, and if not, where."""

from dashboard import frame
from dashboard.board.snapshot import Snapshot
from dashboard.parts.nodes import Node, node
from dashboard.site import Site


def show(site: Site) -> None:
    """Show the page."""
    frame.show_page(site, _draw)


def _draw(snapshot: Snapshot) -> None:
    frame.head("Overview", _sentence(snapshot))


def _sentence(snapshot: Snapshot) -> Node:
    locks = snapshot.locks.values()
    busy, waiting = sum(lock.is_busy for lock in locks), sum(lock.waiting for lock in locks)
    return node("span", f"{busy} of {len(locks)} locks are busy, ", node("b", f"{waiting} jobs wait"), ".")
