"""Known kinds: which there are, and whether parameters fit theirs."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError, relevance
from referencing import Registry
from referencing.exceptions import Unresolvable

from contracts.jobs import Kind
from contracts.policies import JobPolicy
from contracts.strict_json import canonical
from coordination.ports import Clock
from coordination.worker_directory import WorkerDirectory
from submission.errors import InvalidSubmissionError
from submission.fields import FieldProblem, field_path, shorten

#: Most wrong fields named in one answer.
_MOST_ERRORS = 20


@dataclass
class KnownKinds:
    """The kinds that workers have published, remembered for a moment."""

    directory: WorkerDirectory
    clock: Clock
    #: Seconds for which an earlier answer is good enough.
    good_for: float = 2.0
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _schemas: dict[str, "Schema"] = field(default_factory=dict)
    _read_at: float | None = None
    _refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def all(self) -> list[Kind]:
        """Return every known kind by name. Raises UnknownOutcomeError."""
        if not self._is_fresh():
            # One caller asks; the others wait for its answer.
            async with self._refreshing:
                if not self._is_fresh():
                    await self._refresh()
        return [self._kinds[name] for name in sorted(self._kinds)]

    def knows(self, kind: str) -> bool:
        """Return whether a kind was among those read last."""
        return kind in self._kinds

    async def check(self, kind: str, parameters: dict[str, Any]) -> JobPolicy:
        """Return the policy of a kind whose parameters these can be.

        Any kind passes as long as no worker has ever published one. Raises InvalidSubmissionError when the
        kind is unknown or the parameters do not fit it, and UnknownOutcomeError.
        """
        await self.all()
        if kind not in self._kinds:
            await self._refresh()
        known = self._kinds.get(kind)
        if known is not None:
            errors = self._schemas[kind].wrong_parameters(parameters)
            if errors:
                raise InvalidSubmissionError(errors)
            return known.policy
        if self._kinds:
            names = sorted(self._kinds)
            message = shorten(f"no worker knows the kind {kind!r}; known kinds: {', '.join(names)}")
            raise InvalidSubmissionError([FieldProblem(field="kind", message=message)], names)
        return JobPolicy()

    def _is_fresh(self) -> bool:
        return self._read_at is not None and self.clock.boot() - self._read_at <= self.good_for

    async def _refresh(self) -> None:
        asked_at = self.clock.boot()
        kinds = {kind.kind: kind for kind in await self.directory.kinds()}
        schemas = {}
        for name, kind in kinds.items():
            schema = self._schemas.get(name)
            if schema is None or schema.text != canonical(kind.parameters):
                schema = await asyncio.to_thread(Schema.compiled, kind.parameters)
            schemas[name] = schema
        self._kinds, self._schemas, self._read_at = kinds, schemas, asked_at


@dataclass(frozen=True)
class Schema:
    """A JSON schema (draft 2020-12), ready to check parameters."""

    #: Its text, to notice when it is another one.
    text: str
    #: None for a schema that cannot be used: it finds nothing wrong, and the worker checks again.
    _validator: Draft202012Validator | None

    @classmethod
    def compiled(cls, document: dict[str, Any]) -> Self:
        """Check a schema, which takes a tenth of a second and more for a large model."""
        try:
            Draft202012Validator.check_schema(document)
        except (SchemaError, Unresolvable, OverflowError, RecursionError):
            return cls(canonical(document), None)
        # An empty registry keeps references from being fetched from elsewhere.
        return cls(canonical(document), Draft202012Validator(document, registry=Registry()))

    def wrong_parameters(self, parameters: dict[str, Any]) -> list[FieldProblem]:
        """Name the parameters that do not fit."""
        if self._validator is None:
            return []
        try:
            found = [
                problem for error in self._validator.iter_errors(parameters) for problem in _problems(error)
            ]
        except Unresolvable:
            return []
        except (OverflowError, RecursionError):
            return [FieldProblem(field="parameters", message="a number is too large to be checked")]
        unique = {(problem.field, problem.message): problem for problem in found}
        return sorted(unique.values(), key=lambda problem: problem.field)[:_MOST_ERRORS]


def _problems(error: ValidationError) -> Iterator[FieldProblem]:
    while error.context:
        # Of the alternatives, the one that comes closest explains most; of several, the first.
        error = min(error.context, key=relevance)
    place = ("parameters", *error.absolute_path)
    given: Any = error.instance
    if error.validator == "required":
        names: list[str] = list(cast("list[str]", error.validator_value))
        for name in names:
            if name not in given:
                yield FieldProblem(field=field_path((*place, name)), message="is required")
    elif error.validator == "additionalProperties":
        known = sorted(cast("dict[str, Any]", error.schema).get("properties", {}))
        message = shorten(f"is not a parameter of this kind; known: {', '.join(known)}")
        for name in sorted(set(given) - set(known)):
            yield FieldProblem(field=field_path((*place, name)), message=message)
    else:
        yield FieldProblem(field=field_path(place), message=shorten(error.message))
