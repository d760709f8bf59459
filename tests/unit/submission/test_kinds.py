"""What is remembered of kinds: few reads, and each schema is checked once."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from contracts.jobs import Kind
from coordination.testing.memory import VirtualClock
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from submission import InvalidSubmissionError, KnownKinds

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
def checked(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    checked: list[object] = []
    check = Draft202012Validator.check_schema

    def note(schema: object, *more: Any) -> None:
        checked.append(schema)
        check(schema, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Draft202012Validator, "check_schema", note)
    return checked


async def test_a_schema_is_checked_once_and_again_when_it_is_another(checked: list[object]) -> None:
    directory, clock = Directory(), VirtualClock()
    kinds = KnownKinds(directory, clock)
    await directory.publish(NUMBER)
    for _ in range(5):
        await kinds.check("k", {"n": 1})
        await clock.advance(3)
    assert (directory.asked, checked) == (5, [NUMBER])
    await directory.publish(TEXT)
    with pytest.raises(InvalidSubmissionError):
        await kinds.check("k", {"n": 1})
    assert checked == [NUMBER, TEXT]


async def test_many_who_ask_at_once_read_the_kinds_once(checked: list[object]) -> None:
    directory = Directory()
    await directory.publish(NUMBER)
    kinds = KnownKinds(directory, VirtualClock())
    await asyncio.gather(*(kinds.check("k", {"n": 1}) for _ in range(20)))
    assert (directory.asked, checked) == (1, [NUMBER])
