"""Locks that a kind derives from the parameters of its jobs, as in "tenant:{tenant}"."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Any

_NAME = re.compile(r"[A-Za-z_]\w*")

#: Longest template, in characters.
_LONGEST = 200


class TemplateError(ValueError):
    """A text is not a template, or parameters do not fill it; the message says why.

    `field` is the parameter that is missing or cannot be part of a lock's name; None otherwise.
    """

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class LockTemplate:
    """A lock's name with places for parameters."""

    #: Texts, each followed by a parameter's name or, at the end, by None.
    parts: tuple[tuple[str, str | None], ...]

    @classmethod
    def read(cls, text: str) -> "LockTemplate":
        """Read a template: `{name}` is a parameter, `{{` and `}}` are braces. Raises TemplateError."""
        if not text.strip():
            raise TemplateError("must not be empty")
        if len(text) > _LONGEST:
            raise TemplateError(f"has at most {_LONGEST} characters, not {len(text)}")
        try:
            found = list(Formatter().parse(text))
        except ValueError as error:
            raise TemplateError(f"{error}; write {{{{ or }}}} for a brace") from None
        for _, name, form, conversion in found:
            if name is not None and (form or conversion or not _NAME.fullmatch(name)):
                raise TemplateError("may have only names of parameters between braces, as in {tenant}")
        return cls(tuple((literal, name) for literal, name, _, _ in found))

    @property
    def names(self) -> set[str]:
        """The parameters that it needs."""
        return {name for _, name in self.parts if name is not None}

    def fill(self, parameters: Mapping[str, Any]) -> str:
        """Return the lock's name. Raises TemplateError for a parameter that is no text or whole number."""
        texts = ("" if name is None else _text(parameters, name) for _, name in self.parts)
        return "".join(literal + text for (literal, _), text in zip(self.parts, texts, strict=True))


def _text(parameters: Mapping[str, Any], name: str) -> str:
    value = parameters.get(name)
    if value is None:
        raise TemplateError("is needed for the job's lock; give it, or name a lock", name)
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TemplateError("must be a text or a whole number, as the job's lock is made of it", name)
    text = str(value)
    if not text.strip():
        raise TemplateError("must not be empty, as the job's lock is made of it", name)
    return text
