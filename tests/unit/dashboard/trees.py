"""Looking into trees of nodes."""

from collections.abc import Iterator
from typing import Any


def elements(tree: Any) -> Iterator[list[Any]]:
    """Go through all elements of a tree."""
    if isinstance(tree, list):
        yield tree
        for child in tree[2:] if len(tree) > 1 and isinstance(tree[1], dict) else tree[1:]:
            yield from elements(child)


def text_of(tree: Any) -> str:
    """Return the text of a tree; what ticks in the browser has none."""
    if not isinstance(tree, list):
        return str(tree)
    return "".join(
        text_of(child) for child in (tree[2:] if len(tree) > 1 and isinstance(tree[1], dict) else tree[1:])
    )


def find(tree: Any, selector: str) -> list[list[Any]]:
    """Return the elements with this tag and these classes: `div.row`."""
    tag, *classes = selector.split(".")
    return [
        one
        for one in elements(tree)
        if (parts := str(one[0]).split("."))[0] == (tag or parts[0]) and set(classes) <= set(parts[1:])
    ]


def attribute(element: list[Any], name: str) -> Any:
    """Return an attribute of an element."""
    return element[1].get(name) if isinstance(element[1], dict) else None
