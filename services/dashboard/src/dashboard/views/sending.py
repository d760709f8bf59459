"""Asking the publisher to act on a job, and what to say when it does not."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from dashboard.parts.nodes import Node, icon, node
from dashboard.publisher_api import NotFoundError, PublisherAwayError, RefusedError

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True)
class Unsent:
    """What was asked for was not done for certain."""

    #: What to say about it.
    note: Node


def send(act: Callable[[], AnswerT], done: str, button: str) -> AnswerT | Unsent:
    """Ask the publisher, and return its answer.

    `done` says in one word what was asked for, and `button` names the one that asks again.
    """
    try:
        return act()
    except (RefusedError, NotFoundError) as error:
        return _unsent("red", "error", f"Not {done}.", str(error))
    except PublisherAwayError as error:
        what = f"It may have been {done}." if error.may_be_done else f"Not {done}."
        return _unsent("orange", "cloud_off", what, f"{error} Choose “{button}” to try again.")


def _unsent(hue: str, name: str, what: str, why: str) -> Unsent:
    said = node("div", node("p.what", what), node("p", why))
    return Unsent(node(f"div.alert.{hue}", icon(name), said, role="alert"))
