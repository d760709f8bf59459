"""The one terminal record of a job, as each outcome writes it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.coordination.journaled_lock import JournaledLock

from coordination.journal import rows, transactions
from coordination.journal.events import Writer
from coordination.journal.storage_limits import check_limits
from coordination.outcomes import Cancelled, Completed, Failed, RunOutcome, TimedOut


@pytest.fixture
async def lock() -> JournaledLock:
    """A lock whose job `a` runs."""
    lock = JournaledLock()
    await lock.submit("a")
    await lock.take_over("w1")
    await lock.flush(step="half", progress_value=0.5)
    return lock


@pytest.mark.parametrize(
    ("outcome", "status", "error_type", "error_message"),
    [
        (Completed('"done"'), "Completed", "", ""),
        (Failed("ValueError", "no such file"), "Failed", "ValueError", "no such file"),
        (Cancelled(), "Cancelled", "", ""),
        (TimedOut("longer than 5 s"), "TimedOut", "TimedOut", "longer than 5 s"),
    ],
)
async def test_an_outcome_is_the_last_event_and_the_last_status(
    lock: JournaledLock, outcome: RunOutcome, status: str, error_type: str, error_message: str
) -> None:
    draft, ended = await lock.end(outcome)
    assert ended == lock.job("a")
    assert (ended.status, ended.error_type, ended.error_message) == (status, error_type, error_message)
    assert (ended.finished_at, ended.step, ended.progress_value) == (draft.writer.at, "", 0.5)
    assert ended.is_terminal
    [event] = draft.events
    assert event == lock.events("a")[-1]
    assert (event.status, event.op_id, event.timestamp) == (status, draft.writer.op_id, draft.writer.at)
    assert (event.fence, event.attempt, event.worker) == (1, 1, "w1")
    assert draft.job is None
    assert lock.tickets() == []


async def test_the_message_of_the_end_says_what_happened(lock: JournaledLock) -> None:
    held = lock.require()

    def message(outcome: RunOutcome, **more: Any) -> tuple[str, dict[str, object]]:
        now = replace(held.job, **more)
        draft, _ = transactions.end(held, now, lock.writer("w1"), outcome)
        return draft.events[-1].message, json.loads(draft.events[-1].data)

    assert message(Completed("12345")) == ("completed", {"result_characters": 5})
    late = ("completed, the cancellation came too late", {"result_characters": 4})
    assert message(Completed(), cancel_requested=True) == late
    assert message(Failed("ValueError", "no")) == ("no", {"error_type": "ValueError"})
    assert message(Cancelled(), cancel_actor="bob") == ("cancelled, asked by bob", {})
    assert message(TimedOut("longer than 5 s")) == ("longer than 5 s", {})


@pytest.mark.parametrize("length", [rows.INLINE_CHARACTERS, rows.INLINE_CHARACTERS + 1])
async def test_a_result_beyond_two_thousand_characters_has_a_row_of_its_own(
    lock: JournaledLock, length: int
) -> None:
    result = '"' + "x" * (length - 2) + '"'
    await lock.end(Completed(result))
    job, kept = lock.job("a"), lock.row(rows.result_key("a"))
    assert json.loads(lock.events("a")[-1].data) == {"result_characters": length}
    if length == 2_000:
        assert (job.result, job.has_long_result, kept) == (result, False, None)
    else:
        assert (job.result, job.has_long_result) == ("", True)
        assert kept is not None
        assert rows.join_text(kept.values) == result


@pytest.mark.parametrize("traceback", ["x" * 16_400, "\U0001f600" * 16_400, "\x00" * 16_400])
async def test_a_traceback_has_a_row_of_its_own(lock: JournaledLock, traceback: str) -> None:
    """However long its text is in JSON or in UTF-16, the store's limits are kept."""
    draft, _ = await lock.end(Failed("ValueError", "no", traceback))
    check_limits(draft.transaction)
    kept = lock.row(rows.traceback_key("a"))
    assert kept is not None
    assert rows.join_text(kept.values) == traceback
    assert lock.job("a").has_traceback
    assert json.loads(lock.events("a")[-1].data) == {
        "error_type": "ValueError",
        "traceback_characters": 16_400,
    }


async def test_an_error_without_a_traceback_has_no_row_for_it(lock: JournaledLock) -> None:
    await lock.end(Failed("ValueError", "no"))
    assert (lock.job("a").has_traceback, lock.row(rows.traceback_key("a"))) == (False, None)


async def test_a_long_error_is_cut_in_the_row_and_shorter_in_the_event(lock: JournaledLock) -> None:
    text = "".join(f"{number:05d}" for number in range(1_000))
    await lock.end(Failed("ValueError", text))
    assert lock.job("a").error_message == text[:4_000]
    assert lock.events("a")[-1].message == text[:1_000]


async def test_an_end_writes_the_progress_reported_last(lock: JournaledLock) -> None:
    held = lock.require()
    now = replace(held.job, progress_value=0.9)
    _, ended = transactions.end(held, now, Writer("w1", "op", "now", "w1"), Completed())
    assert ended.progress_value == 0.9
