"""What is wrong with which field of a document."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from contracts.field_words import in_words

#: Longest text that is repeated back to the caller.
_LONGEST_MESSAGE = 300


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Path of the field, such as `parameters.steps` or `items[2]`.")
    message: str = Field(description="What is wrong with it, and what to write instead.")


def shorten(text: str) -> str:
    """Return a text that may quote the caller's input, cut to a readable length."""
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[: _LONGEST_MESSAGE - 1]}…"


def summary(problems: list[FieldProblem]) -> str:
    """Return the first three problems in one sentence."""
    return shorten("; ".join(f"{problem.field}: {problem.message}" for problem in problems[:3]))


def field_path(location: tuple[int | str, ...]) -> str:
    """Return the place of a field as people write it: `parameters.items[2].name`."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
    return shorten(path)


def field_problems(
    errors: list[Any], *, skip: int = 0, model: type[BaseModel] | None = None
) -> list[FieldProblem]:
    """Translate pydantic's errors, leaving out the first `skip` parts of each place.

    With the model that the document was read as, the messages name the known fields.
    """
    return [
        FieldProblem(
            field=field_path(_place(error["loc"][skip:])) or "body",
            message=shorten(in_words(error, model)),
        )
        for error in errors
    ]


def _place(location: Sequence[int | str]) -> tuple[int | str, ...]:
    """Return a place without the mark that pydantic puts behind a wrong name in a mapping."""
    return tuple(location[:-1] if location[-1:] == ("[key]",) else location)
