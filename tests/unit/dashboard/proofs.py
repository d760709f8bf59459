"""Finished checks of histories that were written by hand, and the words of what is drawn of them."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import BEGINNING, Author
from tests.unit.verification.records import Records

from dashboard.parts.nodes import Node
from dashboard.proof.report import Report
from proof import Asked, Check, State, result_document
from verification import Scope

READ_AT = BEGINNING + timedelta(minutes=1)


async def report_on(
    author: Author, since: datetime | None = None, until: datetime | None = READ_AT
) -> Report:
    """Return the report on what an author wrote."""
    verdict = await verdict_on(Records(author), scope=Scope((author.lock,), since, until))
    result = json.loads(json.dumps(result_document(verdict)))
    ended = READ_AT + timedelta(seconds=0.4)
    return Report(Check(Asked(author.lock, since, until), State.DONE, READ_AT, ended_at=ended, result=result))


def overlapping(lock: str = "books") -> Author:
    """Return a history in which two runs overlap."""
    author = Author(lock)
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.start(other, "w2")
    author.end(one)
    author.end(other)
    return author


def elements(drawn: Node | None) -> Iterator[tuple[str, dict[str, Any], list[Node]]]:
    """Go through a tree: tag with classes, attributes, children."""
    if isinstance(drawn, list):
        attributes = drawn[1] if len(drawn) > 1 and isinstance(drawn[1], dict) else {}
        children = drawn[2:] if len(drawn) > 1 and isinstance(drawn[1], dict) else drawn[1:]
        yield drawn[0], attributes, children
        for child in children:
            yield from elements(child)


def words(drawn: Node | None) -> str:
    """Return the words of a tree, with blanks between its elements; icons are left out."""
    if drawn is None:
        return ""
    if isinstance(drawn, str):
        return drawn
    if drawn[0] == "i":
        return ""
    children = next(iter(elements(drawn)))[2]
    return " ".join(text for text in (words(child).strip() for child in children) if text)


def having(drawn: Node | None, tag: str) -> list[tuple[dict[str, Any], str]]:
    """Return attributes and words of the elements with this tag and these classes."""
    return [
        (attributes, words([tag, {}, *children]))
        for found, attributes, children in elements(drawn)
        if found == tag
    ]
