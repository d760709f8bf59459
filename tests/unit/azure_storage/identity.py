"""An identity, such as a machine has in Azure, that gives out what a test wants."""

import time
from typing import Any

from azure.core.credentials import AccessToken


class FakeIdentity:
    """Returns numbered tokens, or raises the error that a test has set."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime
        self.scopes: list[str] = []
        self.is_closed = False
        self.error: Exception | None = None

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        if self.error:
            raise self.error
        self.scopes += scopes
        return AccessToken(f"token-{len(self.scopes)}", int(time.time() + self.lifetime))

    async def close(self) -> None:
        self.is_closed = True

    async def __aenter__(self) -> "FakeIdentity":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
