"""The layout of the journal: keys, long texts, and rows that older and newer versions read."""

from dataclasses import replace

import pytest

from contracts.jobs import DEFAULT_PRIORITY
from contracts.statuses import JobStatus
from coordination.clients.submission import NewJob
from coordination.journal import rows
from coordination.journal.rows import EventRow, JobRow, LockRow
from coordination.ports import Row, Value


def test_the_keys_are_the_ones_that_stand_in_the_journals_of_today() -> None:
    """A worker of another version must find the rows that this one wrote."""
    assert rows.lock_key() == "line|lock|00"
    assert rows.job_key("id") == "job|id"
    assert rows.ticket_key(5, "order", "id") == "line|ticket|05|order|id"
    assert rows.event_key("id", 7) == "event|id|000007"
    assert rows.parameters_key("id") == "data|id|parameters"
    assert rows.state_key("id") == "data|id|state"
    assert rows.result_key("id") == "data|id|result"
    assert rows.traceback_key("id") == "data|id|traceback"
    assert rows.step_key("id", 7) == "data|id|step|000007"
    assert rows.PROTOCOL == 1
    assert rows.LAST_RECORD == 990_000


def test_a_range_of_the_line_holds_the_lock_row_first_and_then_the_tickets() -> None:
    keys = [rows.ticket_key(0, "", ""), rows.lock_key()]
    assert sorted(keys) == [rows.lock_key(), rows.ticket_key(0, "", "")]
    assert all(key.startswith(rows.LINE) for key in keys)
    assert keys[0].startswith(rows.TICKETS)
    assert not rows.lock_key().startswith(rows.TICKETS)


def test_what_belongs_to_a_job_lies_in_one_range_and_nothing_of_another_does() -> None:
    kept = [rows.parameters_key("a"), rows.state_key("a"), rows.result_key("a"), rows.step_key("a", 1)]
    assert all(key.startswith(rows.data_prefix("a")) for key in kept)
    assert rows.step_key("a", 1).startswith(rows.step_prefix("a"))
    assert not rows.state_key("a").startswith(rows.step_prefix("a"))
    assert not rows.step_key("ab", 1).startswith(rows.data_prefix("a"))
    assert not rows.event_key("ab", 1).startswith(rows.event_prefix("a"))


def test_a_jobs_ticket_has_the_same_key_as_long_as_the_job_lives() -> None:
    job = JobRow("id", "kind", "L", priority=3, order="order")
    assert job.ticket_key == rows.ticket_key(3, "order", "id")
    later = replace(job, attempt=2, fence=9, interruptions=1, status="Running", queued_at="later")
    assert later.ticket_key == job.ticket_key


@pytest.mark.parametrize("length", [0, 1, 14_999, 15_000, 15_001, 30_000, 30_001])
@pytest.mark.parametrize("character", ["x", "🔒"])
def test_a_long_text_is_read_as_it_was_written(length: int, character: str) -> None:
    text = "".join(f"{number}" for number in range(length))[: max(0, length - 1)] + character * min(1, length)
    assert len(text) == length
    values = rows.split_text(text)
    assert rows.join_text(values) == text
    chunks = [str(value) for name, value in values.items() if name != "text_chunks"]
    assert values["text_chunks"] == len(chunks) == max(1, -(-length // 15_000))


def test_every_part_of_a_long_text_fits_into_one_value_whatever_its_characters() -> None:
    values = rows.split_text("🔒" * 40_000)
    parts = [str(value) for name, value in values.items() if name != "text_chunks"]
    assert max(len(part.encode("utf-16-le")) // 2 for part in parts) <= 32_768


def test_a_row_keeps_every_field() -> None:
    lock = LockRow("L", 3, "lease", "w1", "id", 2, "began", "freed", "released", "op", 1)
    assert LockRow.from_row(Row("key", lock.values(), "etag")) == lock
    job = JobRow("id", "kind", "L", priority=0, attempt=2, losses=1, cancel_requested=True, steps=4)
    assert JobRow.from_values(job.values()) == job


def test_what_is_missing_in_a_row_has_its_default_and_what_is_unknown_is_ignored() -> None:
    values: dict[str, Value | None] = {"job_id": "id", "kind": "kind", "lock_name": "L", "deaths": None}
    values["of_a_newer_version"] = 1
    assert JobRow.from_values(values) == JobRow("id", "kind", "L")
    assert LockRow.from_values({"lock_name": "L"}) == LockRow("L", 0, "", "", "", 0, "", "", "", "", 1)


def test_a_job_of_which_nothing_is_said_has_done_nothing_and_has_the_priority_of_most() -> None:
    job = JobRow.from_values({"job_id": "id", "kind": "kind", "lock_name": "L"})
    assert (job.priority, job.status) == (DEFAULT_PRIORITY, "Queued")
    assert NewJob("id", "order", "kind", "L", "{}", "ann").priority == DEFAULT_PRIORITY
    counts = (job.seq, job.fence, job.attempt, job.interruptions, job.deaths, job.losses, job.steps)
    assert counts == (0, 0, 0, 0, 0, 0, 0)
    assert (job.cancel_requested, job.has_long_result) == (False, False)


def test_false_zero_and_empty_values_are_read_as_such() -> None:
    values = {**JobRow("id", "kind", "L").values(), "priority": 0, "has_long_result": False, "name": ""}
    assert JobRow.from_values(values).priority == 0


def test_an_update_names_only_what_differs() -> None:
    before = JobRow("id", "kind", "L", traceparent=None, priority=3)
    after = replace(before, status="Running", priority=0, traceparent="00-trace", step="")
    assert after.changes(before) == {"status": "Running", "priority": 0, "traceparent": "00-trace"}
    assert before.changes(before) == {}


@pytest.mark.parametrize("status", [*JobStatus, JobRow.TOMBSTONE])
def test_nothing_can_happen_to_a_job_that_has_ended_or_was_closed(status: str) -> None:
    expected = status not in ("Queued", "Running")
    assert JobRow("id", "kind", "L", status=status).is_terminal is expected


@pytest.mark.parametrize("status", [*JobStatus, JobRow.TOMBSTONE])
def test_a_row_holds_a_job_unless_it_only_keeps_the_id_from_being_used(status: str) -> None:
    job = JobRow("id", "kind", "L", status=status)
    found = JobRow.existing(Row("job|id", job.values(), "1"))
    assert found == (None if status == "Tombstone" else job)
    assert JobRow.existing(None) is None


def test_an_event_of_no_run_keeps_no_fence() -> None:
    event = EventRow("id", "L", 1, "Submitted", "new", "now", 0, "ann", "op", "hash")
    assert (event.fence, event.worker, event.traceparent, event.data, event.previous_hash) == (
        None,
        None,
        None,
        "{}",
        "",
    )
    assert EventRow.from_values(event.values()) == event
