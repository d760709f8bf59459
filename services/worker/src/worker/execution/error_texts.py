"""The text of an error, as a person reads it who has no traceback: with its causes, notes and parts."""

from collections.abc import Iterator

from turnstile.errors import FailJob, RetryLater
from worker.execution import messages

_MAX_MESSAGE = 4000

#: Most errors that one text names, and how deep they may lie; a group of groups can hold any number.
_MAX_ERRORS, _MAX_DEPTH = 20, 5


def text_of(error: BaseException) -> str:
    """Return an error's message, never empty, with its notes, the parts of a group, and its causes.

    The reason of a FailJob is its author's, and stands alone.
    """
    parts = [_message_of(error)]
    if not isinstance(error, FailJob):
        parts += _about(error, _Room())
    return messages.clean("".join(parts), _MAX_MESSAGE)


def reason_of(error: BaseException) -> BaseException:
    """Return the FailJob or RetryLater that a group of errors comes to, or the error itself.

    A group, as of a TaskGroup, is a FailJob when all that it holds are; several become one with all reasons.
    Of a group of RetryLater, it is the one with the longest delay.
    """
    leaves = leaves_of(error)
    later = [leaf for leaf in leaves if isinstance(leaf, RetryLater)]
    if later and len(later) == len(leaves):
        return max(later, key=lambda leaf: leaf.seconds)
    is_group = isinstance(error, BaseExceptionGroup) and bool(leaves)
    if not is_group or not all(isinstance(leaf, FailJob) for leaf in leaves):
        return error
    if len(leaves) == 1:
        return leaves[0]
    first = leaves[0]
    joined = FailJob("; ".join(_message_of(leaf) for leaf in leaves[:_MAX_ERRORS]))
    return joined.with_traceback(first.__traceback__)


def leaves_of(error: BaseException) -> list[BaseException]:
    """Return the errors that a group holds, in groups within it, too; of another error, itself."""
    return list(_leaves(error, _MAX_DEPTH)) if isinstance(error, BaseExceptionGroup) else [error]


class _Room:
    """How many more errors a text may name."""

    def __init__(self) -> None:
        self.left = _MAX_ERRORS


def _message_of(error: BaseException) -> str:
    return _str_of(error) or f"{type(error).__name__} without a message"


def _str_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an exception's own __str__ is user code
        return ""


def _about(error: BaseException, room: _Room, depth: int = 0) -> Iterator[str]:
    yield from (f"\n{note}" for note in _notes_of(error))
    if depth >= _MAX_DEPTH:
        return
    if isinstance(error, BaseExceptionGroup):
        for number, part in enumerate(error.exceptions):
            yield from _named(part, "; " if number else ": ", room, depth)
    if error.__cause__ is not None:
        yield from _named(error.__cause__, ", caused by ", room, depth)


def _named(error: BaseException, before: str, room: _Room, depth: int) -> Iterator[str]:
    room.left -= 1
    if room.left == -1:
        yield f"{before}…"
    elif room.left >= 0:
        text = _str_of(error)
        yield f"{before}{type(error).__name__}{': ' if text else ''}{text}"
        yield from _about(error, room, depth + 1)


def _notes_of(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())  # user code may put anything there
    return [note for note in notes if isinstance(note, str)] if isinstance(notes, list | tuple) else []


def _leaves(group: BaseExceptionGroup[BaseException], depth: int) -> Iterator[BaseException]:
    for part in group.exceptions:
        if isinstance(part, BaseExceptionGroup) and depth > 0:
            yield from _leaves(part, depth - 1)
        else:
            yield part
