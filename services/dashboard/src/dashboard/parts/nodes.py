"""Trees of plain data, as the component draws them: `["div.card", {"title": "…"}, "text", ["b", "bold"]]`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

#: Text, or a list of a tag with classes, perhaps attributes, and children.
Node = str | list[Any]


def node(tag: str, *children: Node | None, **attributes: Any) -> Node:
    """Return an element; children that are None are left out, and so are attributes that are None.

    Attributes with a dash are written with an underscore (`aria_label`).
    """
    given = {name.replace("_", "-"): value for name, value in attributes.items() if value is not None}
    return [tag, given, *(child for child in children if child is not None)]


def icon(name: str) -> Node:
    """Return an icon of Material Symbols, which screen readers pass over."""
    return ["i", {"aria-hidden": "true"}, name]


def link(page: str, text: Node, query: Mapping[str, str] | None = None, tag: str = "a", **more: Any) -> Node:
    """Return a link to one of the dashboard's own pages."""
    return node(tag, text, go=page, q=dict(query or {}), **more)


def outward(address: str, text: Node) -> Node:
    """Return a link that leaves the dashboard, in a new tab; only http and https become links."""
    return node("a", text, out=address)


def milliseconds(moment: datetime) -> float:
    """Return a moment as browsers count: milliseconds since 1970."""
    return moment.timestamp() * 1000


def ago(moment: datetime | None, tag: str = "span") -> Node:
    """Return a time that says how long ago a moment is, and ticks."""
    return "–" if moment is None else node(tag, t="ago", at=milliseconds(moment))


def since(moment: datetime | None, tag: str = "span") -> Node:
    """Return the time that has passed since a moment, ticking by whole seconds."""
    return "–" if moment is None else node(tag, t="for", at=milliseconds(moment))


def until(moment: datetime, tag: str = "span") -> Node:
    """Return the time that is left until a moment, ticking by whole seconds."""
    return node(tag, t="left", at=milliseconds(moment))


def clock(moment: datetime | None, tag: str = "span") -> Node:
    """Return a moment by the viewer's clock; of another day, with its date."""
    return "–" if moment is None else node(tag, t="clock", at=milliseconds(moment))


def date(moment: datetime | None, tag: str = "span") -> Node:
    """Return the date of a moment in the viewer's zone."""
    return "–" if moment is None else node(tag, t="date", at=milliseconds(moment))


def lease_ring(renewed_at: datetime, seconds: float) -> Node:
    """Return a ring that runs down until the lease ends, with the time that is left."""
    until = milliseconds(renewed_at) + seconds * 1000
    return node("span.ring", node("span.word"), until=until, length=seconds)


def copy_button(text: str, what: str) -> Node:
    """Return a button that copies a text; `what` names it for screen readers and in its tooltip."""
    return node("button.copy", copy=text, aria_label=f"Copy {what}", title=f"Copy {what}")


def short_id(job_id: str, *, copy: bool = True) -> Node:
    """Return an id shortened to its ends, whole as a tooltip, with a button that copies it."""
    shown = job_id if len(job_id) <= 14 else f"{job_id[:8]}…{job_id[-4:]}"
    button = copy_button(job_id, f"the id {job_id}") if copy else None
    return node("span", node("span.id", shown, title=job_id), button)
