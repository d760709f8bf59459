"""Known kinds: which there are, and whether parameters fit theirs."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from contracts import lock_names
from contracts.jobs import Kind
from contracts.policies import JobPolicy
from contracts.strict_json import canonical
from coordination.ports import Clock
from coordination.worker_directory import WorkerDirectory
from submission.errors import InvalidSubmissionError
from submission.fields import FieldProblem, shorten
from submission.schemas import Schema
from turnstile.lock_templates import LockTemplate, TemplateError


@dataclass
class KnownKinds:
    """The kinds that workers have published, remembered for a moment."""

    directory: WorkerDirectory
    clock: Clock
    #: Seconds for which an earlier answer is good enough.
    good_for: float = 2.0
    _kinds: dict[str, Kind] = field(default_factory=dict)
    _schemas: dict[str, Schema] = field(default_factory=dict)
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

    def lock_of(self, kind: str, parameters: Mapping[str, JsonValue]) -> str:
        """Return the lock that a kind, as it was read last, derives from the parameters of a job.

        Raises InvalidSubmissionError when it cannot.
        """
        known = self._kinds.get(kind)
        if known is None or known.lock_template is None:
            return lock_names.DEFAULT_LOCK
        fields = known.parameters.get("properties", {})
        defaults = {name: field.get("default") for name, field in fields.items() if isinstance(field, dict)}
        try:
            return lock_names.normalise(
                LockTemplate.read(known.lock_template).fill({**defaults, **parameters})
            )
        except TemplateError as error:
            place = "lock" if error.field is None else f"parameters.{error.field}"
            problem = FieldProblem(field=place, message=str(error))
        except lock_names.LockNameError as error:
            message = (
                f"the kind makes the lock {known.lock_template!r} of the parameters, and {error}; name a lock"
            )
            problem = FieldProblem(field="lock", message=shorten(message))
        raise InvalidSubmissionError([problem])

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
