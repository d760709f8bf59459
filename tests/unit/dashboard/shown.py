"""What a tree of nodes shows, as text, and where its links lead."""

from collections.abc import Iterator
from typing import Any

from dashboard.parts.nodes import Node


def parts(node: Node) -> tuple[str, dict[str, Any], list[Node]]:
    """Return tag, attributes and children of an element."""
    assert isinstance(node, list)
    tag, *rest = node
    if rest and isinstance(rest[0], dict):
        return tag, rest[0], rest[1:]
    return tag, {}, rest


def walk(node: Any) -> Iterator[list[Any]]:
    """Go through an element and all elements in it."""
    if not isinstance(node, list):
        return
    yield node
    for child in parts(node)[2]:
        yield from walk(child)


def text(node: Node) -> str:
    """Return the text of a tree; icons are left out, times that tick are `[for]`, `[ago]` and so on."""
    if isinstance(node, str):
        return node
    tag, attributes, children = parts(node)
    if tag == "i":
        return ""
    if "t" in attributes:
        return f"[{attributes['t']}]"
    return " ".join(" ".join(text(child) for child in children).split())


def joined(node: Any) -> str:
    """Return the text of a tree as it stands, with the names of icons and without what ticks."""
    if not isinstance(node, list):
        return node or ""
    return "".join(joined(child) for child in parts(node)[2])


def attribute(node: Any, name: str) -> Any:
    """Return an attribute of an element; None when it has none of this name."""
    return parts(node)[1].get(name)


def find(node: Any, names: str) -> list[list[Any]]:
    """Return the elements with this tag and these classes, such as `tr.on`."""
    wanted = set(names.split("."))
    return [each for each in walk(node) if wanted <= set(each[0].split("."))]


def links(node: Node) -> list[tuple[str, dict[str, str]]]:
    """Return pages and queries that links lead to."""
    found = (parts(each)[1] for each in walk(node))
    return [(attributes["go"], attributes["q"]) for attributes in found if "go" in attributes]
