"""A service may start before its storage account is there."""

import asyncio

import pytest

from coordination.ports import AccessDeniedError, UnknownOutcomeError
from service_defaults.storage import prepare_patiently


async def test_storage_is_prepared_again_and_again_until_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception | None] = [UnknownOutcomeError(), AccessDeniedError(), UnknownOutcomeError(), None]
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def prepare() -> None:
        error = errors.pop(0)
        if error:
            raise error

    monkeypatch.setattr(asyncio, "sleep", sleep)
    await prepare_patiently(prepare)
    assert errors == []
    assert pauses == [1.0] * 3


async def test_a_name_that_storage_refuses_is_not_tried_again() -> None:
    tries: list[int] = []

    async def prepare() -> None:
        tries.append(1)
        raise ValueError("no such name")

    with pytest.raises(ValueError, match="no such name"):
        await prepare_patiently(prepare)
    assert len(tries) == 1
