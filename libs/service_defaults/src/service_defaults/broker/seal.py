"""Sealing messages: a keyed hash over the body proves that a service of this installation wrote it.

The key is in the storage, for those alone who may write the journal. What a sealed announcement says is
therefore worth as much as the journal itself. Without a key, or with another one, nothing is believed.
"""

import hmac
from collections.abc import Awaitable, Callable

#: The header that carries the seal.
HEADER = "x-turnstile-seal"

#: What the hash covers in addition to the body, so that the key is good for announcements alone.
_PURPOSE = b"turnstile announcements 1\n"


class Seal:
    """Seals bodies, and checks seals, as soon as the key is known."""

    def __init__(self) -> None:
        self._name = ""
        self._key = b""

    def use(self, name: str, key: bytes) -> None:
        """Use a key from now on."""
        self._name, self._key = name, key

    def of(self, body: bytes) -> str | None:
        """Return the seal of a body: the key's name and the hash; None without a key."""
        return f"{self._name}:{self._hash(body)}" if self._key else None

    def fits(self, body: bytes, seal: object) -> bool:
        """Return whether a seal proves that the body was written with this key."""
        if not self._key or not isinstance(seal, str) or not seal.isascii():
            return False
        return hmac.compare_digest(seal, f"{self._name}:{self._hash(body)}")

    def with_key(
        self, prepare: Callable[[], Awaitable[None]], read: Callable[[], Awaitable[tuple[str, bytes]]]
    ) -> Callable[[], Awaitable[None]]:
        """Return what prepares the storage and then uses the key that is read from it."""

        async def prepare_and_read() -> None:
            await prepare()
            self.use(*await read())

        return prepare_and_read

    def _hash(self, body: bytes) -> str:
        return hmac.digest(self._key, _PURPOSE + body, "sha256").hex()
