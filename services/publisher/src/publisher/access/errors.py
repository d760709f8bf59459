"""Why a request is not admitted."""

from contracts.access import Scope


class AccessError(Exception):
    """The client may not do what it asks for."""


class UnauthenticatedError(AccessError):
    """The request has no API key, or one that is not good."""

    def __init__(self, *, has_key: bool) -> None:
        super().__init__("no API key" if not has_key else "an API key that is not good")
        self.has_key = has_key


class MissingScopeError(AccessError):
    """The client lacks a scope."""

    def __init__(self, client: str, scope: Scope) -> None:
        super().__init__(f"client {client} lacks the scope {scope}")
        self.client = client
        self.scope = scope


class ForbiddenLockError(AccessError):
    """The client may not use a lock."""

    def __init__(self, client: str, lock: str) -> None:
        super().__init__(f"client {client} may not use the lock {lock!r}")
        self.client = client
        self.lock = lock


class ForbiddenKindError(AccessError):
    """The client may not submit jobs of a kind."""

    def __init__(self, client: str, kind: str) -> None:
        super().__init__(f"client {client} may not submit jobs of the kind {kind!r}")
        self.client = client
        self.kind = kind


class TooManyRequestsError(AccessError):
    """The client asks more often than it may."""

    def __init__(self, client: str, seconds: float) -> None:
        super().__init__(f"client {client} sends too many requests")
        self.client = client
        #: Until the next request is admitted.
        self.seconds = seconds


class TooManyOwnFollowersError(AccessError):
    """The client follows, or waits for, as many jobs as it may at the same time."""

    def __init__(self, client: str, most: int) -> None:
        super().__init__(f"client {client} follows {most} jobs")
        self.client = client
        self.most = most
