"""JSON schemas of kinds, compiled once, and what does not fit them.

Patterns run in an engine whose time grows with the text alone; the few that it does not know (look-around,
back-references) in one that gives up after a bounded number of steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from jsonschema_rs import (
    Draft202012Validator,
    FancyRegexOptions,
    ReferencingError,
    RegexOptions,
    ValidationError,
)
from jsonschema_rs import ValidationErrorKind as Wrong

from contracts.strict_json import canonical
from submission.fields import FieldProblem, field_path, shorten
from submission.formats import FORMATS

#: Most wrong fields named in one answer.
_MOST_ERRORS = 20

#: Some 30 ms.
_ENGINES = (RegexOptions(), FancyRegexOptions(backtrack_limit=100_000))


@dataclass(frozen=True)
class Schema:
    """A JSON schema (draft 2020-12), ready to check parameters."""

    document: dict[str, Any]
    #: Its text, to notice when it is another one.
    text: str
    #: None for a schema that cannot be used: it finds nothing wrong, and the worker checks again.
    _validator: Draft202012Validator | None

    @classmethod
    def compiled(cls, document: dict[str, Any]) -> Self:
        """Compile a schema; one with large patterns takes up to a second."""
        for engine in _ENGINES:
            try:
                validator = Draft202012Validator(
                    document, formats=FORMATS, validate_formats=True, pattern_options=engine, offline=True
                )
            except (ValueError, ReferencingError, RecursionError):
                continue
            return cls(document, canonical(document), validator)
        return cls(document, canonical(document), None)

    def wrong_parameters(self, parameters: dict[str, Any]) -> list[FieldProblem]:
        """Name the parameters that do not fit."""
        if self._validator is None:
            return []
        found = [
            problem for error in self._validator.iter_errors(parameters) for problem in self._problems(error)
        ]
        unique = {(problem.field, problem.message): problem for problem in found}
        return sorted(unique.values(), key=lambda problem: problem.field)[:_MOST_ERRORS]

    def _problems(self, error: ValidationError) -> Iterator[FieldProblem]:
        while branches := getattr(error.kind, "context", None):
            # Of the alternatives, the one that comes closest explains most; of several, the first.
            error = min((wrong for branch in branches for wrong in branch), key=_distance)
        place = ("parameters", *error.instance_path)
        match error.kind:
            case Wrong.Required(property=name):
                yield FieldProblem(field=field_path((*place, name)), message="is required")
            case Wrong.AdditionalProperties(unexpected=names):
                message = shorten(f"is not a parameter of this kind; known: {', '.join(self._known(error))}")
                for name in names:
                    yield FieldProblem(field=field_path((*place, name)), message=message)
            case Wrong.BacktrackLimitExceeded() | Wrong.RegexEngineFailure():
                # The worker checks again.
                return
            case _:
                yield FieldProblem(field=field_path(place), message=shorten(error.message))

    def _known(self, error: ValidationError) -> list[str]:
        """Return the names that an object may have, where its schema says so."""
        schema: Any = self.document
        try:
            for part in error.schema_path[:-1]:
                schema = schema[part]
        except (KeyError, IndexError):
            return []
        return sorted(schema.get("properties", {}))


def _distance(error: ValidationError) -> tuple[int, bool]:
    return -len(error.instance_path), isinstance(error.kind, Wrong.Type)
