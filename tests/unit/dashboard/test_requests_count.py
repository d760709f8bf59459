"""Counting the requests to the storage, for the foot of every page."""

from typing import Any

import pytest

from azure_storage.calls import CallOutcome, StorageCall
from dashboard.requests import RequestCount


def observe(count: RequestCount, operation: str = "journal.read") -> None:
    count.observe(StorageCall(operation, CallOutcome.OK, 0.01))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    time = {"now": 1000.0}
    monkeypatch.setattr("dashboard.requests.time.monotonic", lambda: time["now"])
    return time


def test_a_minute_is_counted_and_the_one_before_forgotten(clock: dict[str, Any]) -> None:
    count = RequestCount()
    clock["now"] += 100
    for _ in range(30):
        observe(count)
    clock["now"] += 59
    observe(count, "read_models.page")
    assert count.per_minute() == 31
    clock["now"] += 2
    assert count.per_minute() == 1
    assert count.total == {"journal.read": 30, "read_models.page": 1}


def test_in_the_first_minute_it_is_what_a_whole_one_would_have(clock: dict[str, Any]) -> None:
    count = RequestCount()
    clock["now"] += 20
    for _ in range(10):
        observe(count)
    assert count.per_minute() == 30
