"""What the API answers a client that may not do what it asks for."""

import math
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from publisher.access.errors import (
    ForbiddenKindError,
    ForbiddenLockError,
    MissingScopeError,
    TooManyOwnFollowersError,
    TooManyRequestsError,
    UnauthenticatedError,
)
from publisher.http.problem import RETRY_AFTER, ProblemError
from submission.fields import shorten

#: What a client is asked to prove that it may use.
_REALM = 'Bearer realm="turnstile"'


def _unauthenticated(error: UnauthenticatedError) -> ProblemError:
    wrong = "The API key is wrong or revoked, or its time is over. " if error.has_key else ""
    challenge = f'{_REALM}, error="invalid_token"' if error.has_key else _REALM
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "unauthenticated",
        f"{wrong}Send an API key that is good, in the header Authorization: Bearer KEY.",
        headers={"WWW-Authenticate": challenge},
    )


def _missing_scope(error: MissingScopeError) -> ProblemError:
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        "missing_scope",
        f"Client {error.client} lacks the scope {error.scope}. Who keeps the file of keys can grant it.",
        headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope", scope="{error.scope}"'},
        missing_scope=error.scope.value,
    )


def _forbidden(name: str, detail: str) -> ProblemError:
    # It has its scope, and another one would not help.
    return ProblemError(
        HTTPStatus.FORBIDDEN,
        name,
        f"{detail} Who keeps the file of keys can grant it.",
        headers={"WWW-Authenticate": f'{_REALM}, error="insufficient_scope"'},
    )


def _too_many(name: str, detail: str, seconds: float) -> ProblemError:
    headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    return ProblemError(HTTPStatus.TOO_MANY_REQUESTS, name, detail, headers=headers)


#: The problem of each error of access.
ACCESS_PROBLEMS: Mapping[type[Exception], Callable[[Any], ProblemError]] = {
    UnauthenticatedError: _unauthenticated,
    MissingScopeError: _missing_scope,
    ForbiddenLockError: lambda error: _forbidden(
        "lock_not_allowed", f"Client {error.client} may not use the lock {shorten(error.lock)!r}."
    ),
    ForbiddenKindError: lambda error: _forbidden(
        "kind_not_allowed",
        f"Client {error.client} may not submit jobs of the kind {shorten(error.kind)!r}.",
    ),
    TooManyRequestsError: lambda error: _too_many(
        "too_many_requests",
        f"Client {error.client} sends more requests than it may; slow down.",
        error.seconds,
    ),
    TooManyOwnFollowersError: lambda error: _too_many(
        "too_many_own_followers",
        f"Client {error.client} follows, or waits for, {error.most} jobs here, and may not follow more; end "
        "one of them, or ask for the job instead.",
        RETRY_AFTER,
    ),
}
