"""Kinds: handlers under the names by which jobs ask for them."""

import inspect
import re
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from turnstile.context import JobContext, RunContext, SyncJobContext
from turnstile.errors import DefinitionError, InvalidParametersError
from turnstile.lock_templates import LockTemplate, TemplateError
from turnstile.parameter_schema import schema_of
from turnstile.retries import RetryPolicy, check_policy

F = TypeVar("F", bound=Callable[..., Any])

#: Where a handler has its kind, and a module all kinds that were ever defined in it.
MARK, DEFINED = "__turnstile_kind__", "__turnstile_kinds__"
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]{0,62}[a-z0-9])?")
#: What becomes of a submission whose lock has a job already.
OnConflict = Literal["queue", "reject", "skip", "replace-waiting", "cancel-running"]

_LONGEST_WAIT = timedelta(days=366)
_LONGEST_KEEP = timedelta(days=36_525)
_NO_PARAMETERS: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}


@dataclass(frozen=True)
class Kind:
    """A handler and what is known of it."""

    name: str
    handler: Callable[..., Any]
    #: None when the handler takes no parameters.
    model: type[BaseModel] | None
    is_async: bool
    timeout: timedelta | None
    description: str
    max_runner_crashes: int
    max_worker_losses: int
    fresh_process: bool = False
    max_jobs_per_process: int | None = None
    max_process_mib: int | None = None
    expires_in: timedelta | None = None
    on_conflict: OnConflict = "queue"
    lock: str | None = None
    #: None when a failed attempt ends the job.
    retry: RetryPolicy | None = None
    keep: timedelta | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON schema of the parameters."""
        return _NO_PARAMETERS if self.model is None else schema_of(self.model)

    def parse(self, parameters: str) -> BaseModel | None:
        """Read parameters from a JSON object. Raises InvalidParametersError that names each wrong field."""
        if self.model is None:
            if parameters.strip() not in {"", "{}", "null"}:
                raise InvalidParametersError(f"parameters: kind {self.name!r} takes none")
            return None
        try:
            return self.model.model_validate_json(parameters or "{}")
        except ValidationError as error:
            raise InvalidParametersError(_explain(error)) from None

    def arguments(self, context: RunContext, parameters: BaseModel | None) -> tuple[Any, ...]:
        """Return what the handler is called with."""
        return (context,) if self.model is None else (context, parameters)


def job(
    name: str,
    *,
    timeout: timedelta | None = None,
    description: str | None = None,
    max_runner_crashes: int = 3,
    max_worker_losses: int = 10,
    fresh_process: bool = False,
    max_jobs_per_process: int | None = None,
    max_process_mib: int | None = None,
    expires_in: timedelta | None = None,
    on_conflict: OnConflict = "queue",
    lock: str | None = None,
    retry: RetryPolicy | None = None,
    keep: timedelta | None = None,
) -> Callable[[F], F]:
    """Make a function the handler of a kind.

    The handler is `async def handler(ctx: JobContext, parameters: Model)` or, for plain code that may block,
    `def handler(ctx: SyncJobContext, parameters: Model)`; `Model` is a pydantic model, and a handler without
    a second argument takes no parameters. What it returns is the job's result, as JSON.

    `name` has up to 64 lower-case letters, digits, dots, underscores and hyphens. `timeout` is how long one
    attempt may take; None means for ever. `description` is for people; the docstring's first line by default.
    A job fails when its runner process has died `max_runner_crashes` times under it, or when its worker was
    lost `max_worker_losses` times in a row without a recorded step in between (1 to 1,000 each); a job keeps
    the limits that its kind had when it was submitted.
    A job ends as Expired when no run of it has started `expires_in` after its submission (at most a year;
    None means that it waits for ever); a submission may say another time.
    `on_conflict` says what becomes of a submission that does not say it, when a job of its lock waits or
    runs: "queue" (it waits behind), "reject", "skip" (nothing is added), "replace-waiting" (the waiting jobs
    are cancelled) or "cancel-running" (so is the running one).
    `lock` is the lock of a submission that names none, with parameters in braces, as in "tenant:{tenant}"
    (`{{` and `}}` for braces; at most 200 characters). Each parameter must be a field of the model. Without
    `lock`, such a submission has the lock "default".
    `retry` says whether, and when, a job is tried again after an attempt that failed; without it, the first
    one ends the job. A job keeps the policy that its kind had when it was submitted.
    `keep` is how long a job stays after its end (at most 36,525 days): then its parameters, result and events
    go. None means as long as TURNSTILE_RETENTION_SECONDS says, or for good. A job keeps the time that its
    kind had when it was submitted.
    A process runs one job after the other. With `fresh_process`, a job of this kind has a process for itself:
    no job ran in it before, and none does afterwards; this costs the start of a process. After a job of this
    kind, the process is replaced when it has run `max_jobs_per_process` of them (1 to 1,000,000), or when its
    private memory is larger than `max_process_mib` MiB (1 to 1,000,000; TURNSTILE_RUNNER_REUSE_MIB unless
    set).
    Raises DefinitionError at import when the kind or the handler cannot work.
    """
    if not _NAME.fullmatch(name):
        raise DefinitionError(
            f"kind {name!r} may have only a-z 0-9 . _ - (64 at most, a letter or digit at both ends)"
        )
    if timeout is not None and timeout <= timedelta(0):
        raise DefinitionError(f"kind {name!r}: the timeout must be positive")
    for setting, time, longest in (("expires_in", expires_in, _LONGEST_WAIT), ("keep", keep, _LONGEST_KEEP)):
        if time is not None and not timedelta(0) < time <= longest:
            raise DefinitionError(
                f"kind {name!r}: {setting} must be positive, and at most {longest.days} days"
            )
    if on_conflict not in get_args(OnConflict):
        known = ", ".join(get_args(OnConflict))
        raise DefinitionError(f"kind {name!r}: on_conflict must be one of {known}, not {on_conflict!r}")
    _check_limits(
        name,
        {
            "max_runner_crashes": (max_runner_crashes, 1000),
            "max_worker_losses": (max_worker_losses, 1000),
            "max_jobs_per_process": (max_jobs_per_process, 1_000_000),
            "max_process_mib": (max_process_mib, 1_000_000),
        },
    )
    if retry is not None:
        check_policy(name, retry)

    def register(handler: F) -> F:
        is_async = inspect.iscoroutinefunction(handler)
        model = _model_of(name, handler, is_async=is_async)
        if lock is not None:
            _check_lock(name, lock, model)
        text = description if description is not None else (inspect.getdoc(handler) or "").split("\n")[0]
        kind = Kind(
            name,
            handler,
            model,
            is_async,
            timeout,
            text,
            max_runner_crashes,
            max_worker_losses,
            fresh_process,
            max_jobs_per_process,
            max_process_mib,
            expires_in,
            on_conflict,
            lock,
            retry,
            keep,
        )
        setattr(handler, MARK, kind)
        _note(kind)
        return handler

    return register


def _check_limits(name: str, limits: Mapping[str, tuple[int | None, int]]) -> None:
    for limit, (value, most) in limits.items():
        if value is not None and not 1 <= value <= most:
            raise DefinitionError(f"kind {name!r}: {limit} must be from 1 to {most}, not {value}")


def _check_lock(name: str, lock: str, model: type[BaseModel] | None) -> None:
    try:
        needed = LockTemplate.read(lock).names
    except TemplateError as error:
        raise DefinitionError(f"kind {name!r}: the lock {lock!r} {error}") from None
    fields = set() if model is None else {f.alias or at for at, f in model.model_fields.items()}
    for missing in sorted(needed - fields):
        raise DefinitionError(f"kind {name!r}: the lock {lock!r} needs {missing!r}, which is no parameter")


def kind_of(handler: Callable[..., Any]) -> Kind:
    """Return the kind of a handler. Raises DefinitionError when it has none."""
    kind = getattr(handler, MARK, None)
    if not isinstance(kind, Kind):
        raise DefinitionError(f"{handler!r} is not a handler: it lacks @job(...)")
    return kind


def _note(kind: Kind) -> None:
    """Note a kind in the module of its handler, so that `load` sees it even when its name is used again."""
    module = sys.modules.get(kind.handler.__module__)
    if module is None or "<locals>" in kind.handler.__qualname__:
        return
    defined: list[Kind] = vars(module).setdefault(DEFINED, [])
    # A module that is loaded again defines the same kinds at the same places.
    defined[:] = [other for other in defined if place_of(other) != place_of(kind)]
    defined.append(kind)


def place_of(kind: Kind) -> str:
    """Return where a kind is defined: module, function and line."""
    handler = kind.handler
    return f"{handler.__module__}.{handler.__qualname__} (line {handler.__code__.co_firstlineno})"


def _model_of(name: str, handler: Callable[..., Any], *, is_async: bool) -> type[BaseModel] | None:
    where = f"kind {name!r} ({getattr(handler, '__qualname__', handler)!s})"
    if not inspect.isfunction(handler):
        raise DefinitionError(f"{where}: a handler must be a function")
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        raise DefinitionError(f"{where}: a handler must not yield")
    try:
        hints = typing.get_type_hints(handler)
    except (NameError, TypeError, SyntaxError) as error:
        raise DefinitionError(f"{where}: its annotations cannot be read: {error}") from error
    arguments = list(inspect.signature(handler).parameters.values())
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if not 1 <= len(arguments) <= 2 or any(argument.kind not in positional for argument in arguments):
        raise DefinitionError(f"{where} must take (ctx) or (ctx, parameters)")
    expected = JobContext if is_async else SyncJobContext
    if hints.get(arguments[0].name, expected) not in {expected, RunContext, Any}:
        form = "an async" if is_async else "a plain"
        raise DefinitionError(f"{where}: the context of {form} handler is a {expected.__name__}")
    if len(arguments) == 1:
        return None
    model = hints.get(arguments[1].name)
    if not (inspect.isclass(model) and issubclass(model, BaseModel)):
        raise DefinitionError(f"{where}: {arguments[1].name!r} must be annotated with a pydantic model")
    return model


def _explain(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(
        f"{'.'.join(str(part) for part in item['loc']) or 'parameters'}: {item['msg']}" for item in found
    )
