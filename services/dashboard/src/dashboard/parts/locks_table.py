"""The table of all locks that were ever used, by name."""

from collections.abc import Mapping, Sequence

from dashboard.board.snapshot import LockState, moment
from dashboard.parts.chips import Look, chip
from dashboard.parts.nodes import Node, ago, link, node, since
from read_models.documents import KnownLock

HELD, FREE = Look("Held", "lock", "blue"), Look("Free", "lock_open", "gray")

_COLUMNS = (("Lock", ""), ("State", ""), ("Fence", "right"), ("Last run began", ""), ("Waiting", "right"))


def locks_table(locks: Sequence[KnownLock], states: Mapping[str, LockState]) -> Node:
    """Return the table of these locks; `states` has every lock that is in use now."""
    head = [node(f"th.{classes}" if classes else "th", name, scope="col") for name, classes in _COLUMNS]
    body = [_row(lock, states.get(lock.lock)) for lock in locks]
    return node(
        "div.scroll.cards-on-phone",
        node("table.locks", node("thead", node("tr", *head)), node("tbody", *body)),
    )


def _row(lock: KnownLock, state: LockState | None) -> Node:
    is_busy = state is not None and state.is_busy
    fence = max(lock.last_fence, state.last_fence if state is not None else 0)
    return node(
        "tr",
        node("td.wide.at-3", link("lock", lock.lock, {"lock": lock.lock})),
        node("td.at-1", chip(HELD if is_busy else FREE), _slots(state)),
        node("td.right.at-4.left-on-phone", node("span.phone", "fence "), f"{fence:,}" if fence else "–"),
        node("td.at-2.right-on-phone", _last_run(lock, state)),
        node("td.right.at-5", _waiting(state), node("span.phone", " waiting")),
        k=lock.partition,
    )


def _last_run(lock: KnownLock, state: LockState | None) -> Node:
    began = moment(state.began_at) if state is not None else None
    if state is not None and state.is_busy:
        return node("span", "runs for ", since(began))
    return ago(began or lock.used_at)


def _slots(state: LockState | None) -> Node | None:
    """Return how many slots of a lock with a limit are held."""
    if state is None or (state.limit == 1 and len(state.held) <= 1):
        return None
    return node("small", state.slots_text)


def _waiting(state: LockState | None) -> Node:
    if state is None or not state.waiting:
        return node("span.muted", "none")
    return f"{state.waiting:,}"
