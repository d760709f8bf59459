"""Retry policies: whether, and when, a job is tried again after an attempt that failed."""

import builtins
import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, get_args

from turnstile.errors import DefinitionError

Backoff = Literal["fixed", "exponential"]

#: Most attempts, and the longest delay before one of them.
MOST_ATTEMPTS, LONGEST_DELAY = 1000, timedelta(days=7)


@dataclass(frozen=True)
class RetryPolicy:
    """Whether, and when, a job is tried again after an attempt that failed.

    An attempt has failed when its handler raised, or was stopped by its timeout. One that was cut off, as its
    process died, or its worker was lost or stopped, does not count. `raise FailJob` ends the job at once,
    `raise RetryLater` says the delay itself.
    """

    #: The job fails when so many attempts have failed, from 1 to 1,000.
    attempts: int
    #: From the end of the first failed attempt to the next one; at most 7 days.
    delay: timedelta = timedelta(seconds=10)
    #: "fixed": each delay is as long. "exponential": each is twice as long as the last one.
    backoff: Backoff = "exponential"
    #: Beyond this a delay does not grow; at most 7 days.
    longest_delay: timedelta = timedelta(hours=1)
    #: A delay is longer by a part of itself that differs from job to job, and is this at most: from 0 to 1.
    jitter: float = 0.1
    #: Exceptions after which the job fails at once, as classes or by their full names, and what derives from
    #: them. `TimeoutError` stands for an attempt that exceeded its timeout, too.
    except_for: Sequence[type[BaseException] | str] = ()
    #: Whether the jobs behind it in line wait until the job was tried again; in a lock with several slots, it
    #: takes one slot from them. Otherwise they pass it.
    hold_place: bool = False


def check_policy(kind: str, policy: RetryPolicy) -> None:
    """Raise DefinitionError that says what is wrong with the policy of a kind."""
    if not isinstance(policy, RetryPolicy):
        raise DefinitionError(f"kind {kind!r}: retry must be a RetryPolicy, not {policy!r}")
    attempts: object = policy.attempts
    if isinstance(attempts, bool) or not isinstance(attempts, int) or not 1 <= attempts <= MOST_ATTEMPTS:
        raise DefinitionError(
            f"kind {kind!r}: retry.attempts must be a whole number from 1 to {MOST_ATTEMPTS}, "
            f"not {attempts!r}"
        )
    for name in ("delay", "longest_delay"):
        delay = getattr(policy, name)
        if not isinstance(delay, timedelta) or not timedelta(0) <= delay <= LONGEST_DELAY:
            raise DefinitionError(
                f"kind {kind!r}: retry.{name} must be a timedelta from 0 to {LONGEST_DELAY.days} days, "
                f"not {delay!r}"
            )
    if policy.delay > policy.longest_delay:
        raise DefinitionError(
            f"kind {kind!r}: retry.delay must not be longer than retry.longest_delay, {policy.longest_delay}"
        )
    if policy.backoff not in get_args(Backoff):
        known = ", ".join(get_args(Backoff))
        raise DefinitionError(f"kind {kind!r}: retry.backoff must be one of {known}, not {policy.backoff!r}")
    jitter: object = policy.jitter
    if not isinstance(jitter, int | float) or not math.isfinite(jitter) or not 0 <= jitter <= 1:
        raise DefinitionError(f"kind {kind!r}: retry.jitter must be from 0 to 1, not {jitter!r}")
    excluded_names(kind, policy)


def excluded_names(kind: str, policy: RetryPolicy) -> tuple[str, ...]:
    """Return the full names of the exceptions that a policy excludes. Raises DefinitionError."""
    given: object = policy.except_for
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise DefinitionError(f"kind {kind!r}: retry.except_for must be a tuple of exceptions, not {given!r}")
    return tuple(name_of(_exception(kind, each)) for each in given)


def _exception(kind: str, given: object) -> type[BaseException]:
    found = _named(given) if isinstance(given, str) else given
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    raise DefinitionError(
        f"kind {kind!r}: retry.except_for has {given!r}, which is not an exception; give its class, or its "
        'full name, such as "requests.exceptions.Timeout"'
    )


def _named(name: str) -> object:
    module, _, last = name.rpartition(".")
    if not module:
        return getattr(builtins, last, None)
    try:
        return getattr(importlib.import_module(module), last, None)
    except ImportError:
        return None


def name_of(error: type[BaseException]) -> str:
    """Return the full name of an exception, as `except_for` takes it."""
    name = error.__qualname__
    return name if error.__module__ == "builtins" else f"{error.__module__}.{name}"


def names_of_classes(error: BaseException) -> list[str]:
    """Return the full names of an error's class and of its bases, its own first."""
    return [name_of(each) for each in type(error).__mro__ if issubclass(each, BaseException)]
