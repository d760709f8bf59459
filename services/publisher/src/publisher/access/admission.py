"""Admitting a request: who asks, whether that one may, and whether it asks too often."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from contracts.access import Client, Scope
from contracts.api_keys import UnknownKeyError
from publisher.access.buckets import TokenBuckets
from publisher.access.caller import ANYONE, Caller
from publisher.access.errors import TooManyRequestsError, UnauthenticatedError
from publisher.access.keys_file import KeysFile


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Access:
    """Admits requests."""

    #: None: the publisher asks for no key, and every caller may do all.
    keys: KeysFile | None = None
    #: Requests per second of a client for which its table says nothing, and at once; 0 sets no limit.
    rate: float = 0.0
    burst: int = 1
    now: Callable[[], datetime] = _now
    monotonic: Callable[[], float] = time.monotonic
    _buckets: TokenBuckets = field(default_factory=TokenBuckets, init=False, repr=False)

    def admit(self, authorization: Sequence[str], scope: Scope) -> Caller:
        """Return who asks, from the headers `Authorization` of a request that needs a scope.

        Raises UnauthenticatedError, TooManyRequestsError or MissingScopeError, in this order.
        """
        if self.keys is None:
            return ANYONE
        client = self._client(self.keys, authorization)
        self._take(client)
        caller = Caller(client)
        caller.check_scope(scope)
        return caller

    def _client(self, keys: KeysFile, authorization: Sequence[str]) -> Client:
        if not authorization:
            raise UnauthenticatedError(has_key=False)
        scheme, _, key = authorization[0].strip().partition(" ")
        if len(authorization) > 1 or scheme.lower() != "bearer":
            raise UnauthenticatedError(has_key=True)
        try:
            return keys.ring.client(key.strip(), self.now())
        except UnknownKeyError:
            raise UnauthenticatedError(has_key=True) from None

    def _take(self, client: Client) -> None:
        rate = self.rate if client.rate is None else client.rate
        if not rate:
            return
        # A client whose table says a rate alone may save up two seconds of it.
        burst = client.burst or (self.burst if client.rate is None else max(1, round(2 * rate)))
        seconds = self._buckets.take(client.name, rate, burst, self.monotonic())
        if seconds:
            raise TooManyRequestsError(client.name, seconds)
