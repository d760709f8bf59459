"""The HTTP API where each request needs a key, and keys for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from tests.unit.publisher.doubles import Api

from contracts.api_keys import KeyRing, StoredClient, new_key
from publisher.access.admission import Access

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


@dataclass
class ScriptedKeys:
    """Stands for the file of keys."""

    clients: dict[str, StoredClient] = field(default_factory=dict)

    @property
    def ring(self) -> KeyRing:
        return KeyRing(self.clients)

    def add(self, name: str, **about: Any) -> str:
        """Add a client; return its key."""
        key = new_key(NOW, about.pop("expires", None))
        self.clients[name] = StoredClient(**about, keys=(key.stored,))
        return key.text


@dataclass
class KeyedApi:
    """The application, and clients of it."""

    api: Api
    keys: ScriptedKeys = field(default_factory=ScriptedKeys)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        self.set_limits()

    def set_limits(self, rate: float = 0, burst: int = 1) -> None:
        self.api.app.state.access = Access(
            self.keys,  # type: ignore[arg-type]
            rate,
            burst,
            now=lambda: NOW,
            monotonic=lambda: self.seconds,
        )

    async def ask(self, key: str, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} | more.pop("headers", {})
        return await self.api.client.request(method, path, headers=headers, **more)


def file_with(path: Path, name: str, role: str, digest: str) -> None:
    """Write a file with one key."""
    path.write_text(
        f'[clients.{name}]\nrole = "{role}"\n[[clients.{name}.keys]]\nid = "k3m9x2ab"\n'
        f'sha256 = "{digest}"\ncreated = 2026-01-01T00:00:00Z\n'
    )
