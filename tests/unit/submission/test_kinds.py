"""What is remembered of kinds: few reads, and each schema is compiled once, beside the event loop."""

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.jobs import Kind
from coordination.testing.memory import VirtualClock
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from submission import InvalidSubmissionError, KnownKinds
from submission.schemas import Schema

NUMBER = {"properties": {"n": {"type": "number"}}}
TEXT = {"properties": {"n": {"type": "string"}}}


class Directory(InMemoryWorkerDirectory):
    """Counts how often it is asked for the kinds."""

    asked = 0

    async def kinds(self) -> list[Kind]:
        self.asked += 1
        await asyncio.sleep(0)
        return list(await super().kinds())

    async def publish(self, schema: dict[str, Any]) -> None:
        await self.publish_kind(Kind(kind="k", parameters=schema, published_at=datetime.now(UTC)))


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    compiled: list[object] = []
    compile_ = Schema.compiled

    def note(document: dict[str, Any]) -> Schema:
        assert threading.current_thread() is not threading.main_thread()
        compiled.append(document)
        return compile_(document)

    monkeypatch.setattr(Schema, "compiled", note)
    return compiled


async def test_a_schema_is_compiled_once_and_again_when_it_is_another(compiled: list[object]) -> None:
    directory, clock = Directory(), VirtualClock()
    kinds = KnownKinds(directory, clock)
    await directory.publish(NUMBER)
    for _ in range(5):
        await kinds.check("k", {"n": 1})
        await clock.advance(3)
    assert (directory.asked, compiled) == (5, [NUMBER])
    await directory.publish(TEXT)
    with pytest.raises(InvalidSubmissionError):
        await kinds.check("k", {"n": 1})
    assert compiled == [NUMBER, TEXT]


async def test_many_who_ask_at_once_read_the_kinds_once(compiled: list[object]) -> None:
    directory = Directory()
    await directory.publish(NUMBER)
    kinds = KnownKinds(directory, VirtualClock())
    await asyncio.gather(*(kinds.check("k", {"n": 1}) for _ in range(20)))
    assert (directory.asked, compiled) == (1, [NUMBER])
