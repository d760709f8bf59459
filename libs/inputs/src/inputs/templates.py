"""Templates: texts with places for parts of a message, as in "tenant:{body.tenant}". They compute nothing."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from contracts import strict_json
from contracts.jobs import MAX_BODY_BYTES
from inputs.port import Delivery, RefusalReason
from turnstile.lock_templates import TemplateError, template_parts

#: Longest template, in characters.
_LONGEST = 500

_PLACE = re.compile(r"body(\.[\w-]+)*|properties\.[\w.-]+|id|session|subject|sequence", re.ASCII)

_ALLOWED = "{body.NAME}, {properties.NAME}, {id}, {session}, {subject} and {sequence} between braces"


class NoValueError(ValueError):
    """A message does not fill a template; the text names the place and the remedy."""

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class MessageValues:
    """The parts of a message by their places. Its body is read when a template first needs it."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._body: Any = None
        self._has_read = False

    def at(self, place: str) -> Any:
        """Return the value at a place; None where there is none. Raises NoValueError for an unusable body."""
        first, _, rest = place.partition(".")
        if first == "body":
            value = self._read_body()
            for name in rest.split(".") if rest else ():
                value = value.get(name) if isinstance(value, dict) else None
            return value
        if first == "properties":
            return self._delivery.properties.get(rest)
        return getattr(self._delivery, "message_id" if first == "id" else first)

    def _read_body(self) -> Any:
        if not self._has_read:
            size = len(self._delivery.body)
            if size > MAX_BODY_BYTES:
                message = f"the body has {size:,} bytes, and a job at most {MAX_BODY_BYTES:,}"
                raise NoValueError(RefusalReason.TOO_LARGE, message)
            try:
                self._body = strict_json.parse(self._delivery.body)
            except strict_json.StrictJsonError as error:
                raise NoValueError(RefusalReason.UNREADABLE, str(error)) from None
            self._has_read = True
        return self._body


@dataclass(frozen=True)
class MessageTemplate:
    """A text with places for parts of a message."""

    parts: tuple[tuple[str, str | None], ...]

    @classmethod
    def read(cls, text: str) -> "MessageTemplate":
        """Read a template: `{{` and `}}` are braces. Raises TemplateError."""
        if len(text) > _LONGEST:
            raise TemplateError(f"has at most {_LONGEST} characters, not {len(text)}")
        return cls(template_parts(text, _PLACE, _ALLOWED))

    @property
    def places(self) -> set[str]:
        """The parts of a message that it needs."""
        return {place for _, place in self.parts if place is not None}

    def text(self, values: MessageValues) -> str:
        """Return the text that a message makes of it. Raises NoValueError."""
        return "".join(
            literal + ("" if place is None else _as_text(place, values.at(place)))
            for literal, place in self.parts
        )

    def value(self, values: MessageValues) -> Any:
        """Return the value at its place as the message has it, if it is nothing but one place; else the text.

        Raises NoValueError.
        """
        if len(self.parts) != 1 or self.parts[0][0] or self.parts[0][1] is None:
            return self.text(values)
        place = self.parts[0][1]
        value = values.at(place)
        if value is None:
            raise _missing(place)
        return value


def filled(value: Any, values: MessageValues) -> Any:
    """Return a value of a configuration file with all templates in it filled. Raises NoValueError."""
    if isinstance(value, str):
        return MessageTemplate.read(value).value(values)
    return _each(value, lambda part: filled(part, values))


def check_templates(value: Any) -> None:
    """Raise TemplateError unless all texts within a value are templates."""
    if isinstance(value, str):
        MessageTemplate.read(value)
    _each(value, check_templates)


def _each(value: Any, made: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {name: made(part) for name, part in value.items()}
    return [made(part) for part in value] if isinstance(value, list) else value


def _as_text(place: str, value: Any) -> str:
    if value is None:
        raise _missing(place)
    if isinstance(value, bool) or not isinstance(value, str | int):
        message = f"the message's {place} must be a text or a whole number, as a text is made of it"
        raise NoValueError(RefusalReason.NO_VALUE, message)
    if not str(value).strip():
        message = f"the message's {place} is empty; send a value, or change the mapping"
        raise NoValueError(RefusalReason.NO_VALUE, message)
    return str(value)


def _missing(place: str) -> NoValueError:
    message = f"the message has no {place}; send it, or change the mapping"
    return NoValueError(RefusalReason.NO_VALUE, message)
