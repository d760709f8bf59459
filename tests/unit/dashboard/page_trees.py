"""Looking into drawn trees."""

from collections.abc import Iterator
from typing import Any

from dashboard.parts.nodes import Node


def elements(tree: Node, tag: str = "") -> Iterator[list[Any]]:
    """Return the elements of a tree, from outside to inside; those with this tag and these classes alone."""
    if isinstance(tree, str):
        return
    wanted = tag.split(".")
    if not tag or set(wanted) <= set(tree[0].split(".")):
        yield tree
    for child in tree[1:]:
        if isinstance(child, list):
            yield from elements(child, tag)


def attributes(element: list[Any]) -> dict[str, Any]:
    """Return what an element is given besides its children."""
    given = element[1] if len(element) > 1 else {}
    return given if isinstance(given, dict) else {}


def text(tree: Node) -> str:
    """Return the text of a tree, as a reader sees it, with icons by their names."""
    if isinstance(tree, str):
        return tree
    return "".join(text(child) for child in tree[1:] if isinstance(child, str | list))


def links(tree: Node) -> list[tuple[str, dict[str, str], str]]:
    """Return the links to other pages: page, query, text."""
    return [
        (given["go"], given["q"], text(element))
        for element in elements(tree)
        if "go" in (given := attributes(element))
    ]
