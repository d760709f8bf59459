"""The documents of answers: what may be left out of them, and which fields their schema explains."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel

from contracts.jobs import Kind, Page, Progress, WaitingFor, Worker

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("document", "left_out"),
    [
        (
            WaitingFor(lock="l"),
            {"holder": None, "running": None, "ahead": [], "expected_start": None, "after": []},
        ),
        (
            Worker(worker="w", seen_at=MOMENT),
            {"started_at": None, "kinds": [], "running": [], "leases": [], "properties": {}},
        ),
        (Kind(kind="k", parameters={}, published_at=MOMENT), {"description": ""}),
        (Progress(value=1), {"limit": None}),
        (Page[str](items=["a"]), {"next": None}),
    ],
)
def test_what_there_is_nothing_to_say_of_may_be_left_out(
    document: BaseModel, left_out: dict[str, Any]
) -> None:
    assert {name: getattr(document, name) for name in left_out} == left_out
