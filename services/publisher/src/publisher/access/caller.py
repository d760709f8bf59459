"""Who asks: an authenticated client, or any one where the publisher asks for no key."""

from contextvars import ContextVar
from dataclasses import dataclass

from contracts.access import Client, Scope
from publisher.access.errors import ForbiddenKindError, ForbiddenLockError, MissingScopeError

#: The actor of one who names none and has no key.
_NAMELESS = "api"


@dataclass(frozen=True)
class Caller:
    """Who asks, and what that one may do."""

    #: None where the publisher asks for no key: then all is allowed.
    client: Client | None = None

    def check_scope(self, scope: Scope) -> None:
        """Raise MissingScopeError when the caller lacks a scope."""
        if self.client is not None and scope not in self.client.scopes:
            raise MissingScopeError(self.client.name, scope)

    def may_use(self, lock: str) -> bool:
        """Return whether the caller may see and change what belongs to a lock."""
        return self.client is None or self.client.may_use(lock)

    def check_lock(self, lock: str) -> None:
        """Raise ForbiddenLockError when the caller may not use a lock."""
        if self.client is not None and not self.client.may_use(lock):
            raise ForbiddenLockError(self.client.name, lock)

    def check_job(self, kind: str, lock: str) -> None:
        """Raise ForbiddenKindError or ForbiddenLockError when the caller may not submit such a job."""
        if self.client is not None and not self.client.may_submit(kind):
            raise ForbiddenKindError(self.client.name, kind)
        self.check_lock(lock)

    def actor(self, named: str | None) -> str:
        """Return the name for the audit trail: the client's, or `client (as named)` where it names another.

        Raises MissingScopeError when it names another and may not.
        """
        if self.client is None:
            return _NAMELESS if named is None else named
        if named is None or named == self.client.name:
            return self.client.name
        self.check_scope(Scope.ACT_AS)
        return f"{self.client.name} (as {named})"


ANYONE = Caller()

#: Who asks in the request that is handled in this context. What does not come from a request, such as a
#: command from RabbitMQ, has no such caller and is not limited here.
current_caller: ContextVar[Caller] = ContextVar("current_caller", default=ANYONE)
