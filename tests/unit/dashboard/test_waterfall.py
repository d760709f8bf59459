"""The rows of a job's timeline, from its events."""

import time
from typing import Any

from tests.unit.dashboard.trails import START, SUBMITTED, at, started, steps, trail

from dashboard.timeline import Ending, Row, RowKind, Timeline
from dashboard.waterfall import waterfall

CLOSE_OF_MAY = trail(
    SUBMITTED,
    (22.4, "LeaseAcquired", {"message": "worker-1 acquired the lease", "fence": 1041, "worker": "worker-1"}),
    started(22.4, 1, 1041, "worker-1"),
    (72, "Step", {"message": "collect", "number": 1, "seconds": 49.5}),
    (190, "Step", {"message": "check-balances", "number": 2, "seconds": 118}),
    (402, "StateSaved", {"message": "state saved", "characters": 1800}),
    (448, "Interrupted", {"message": "worker worker-1 was lost", "worker": "worker-3", "died": False}),
    (448, "LeaseAcquired", {"message": "worker-3 acquired the lease", "fence": 1042}),
    started(448, 2, 1042, "worker-3"),
)


def shown(found: Timeline) -> list[tuple[str, float, float, str]]:
    return [(row.label, _second(row.start), _second(row.end), row.ending.value) for row in found.rows]


def _second(moment: Any) -> float:
    return round(float((moment - START).total_seconds()), 3)


def rows_of(found: Timeline, kind: RowKind) -> list[Row]:
    return [row for row in found.rows if row.kind is kind]


def test_a_job_that_was_taken_over_shows_each_attempt_with_its_steps_and_the_time_without_a_holder() -> None:
    found = waterfall(CLOSE_OF_MAY, at(1000), step="book")
    assert shown(found) == [
        ("In line", 0, 22.4, "done"),
        ("Attempt 1", 22.4, 402, "cut-off"),
        ("collect", 22.5, 72, "done"),
        ("check-balances", 72, 190, "done"),
        ("not recorded", 190, 402, "cut-off"),
        ("No holder", 402, 448, "done"),
        ("Attempt 2", 448, 1000, "goes-on"),
        ("2 steps", 448, 448, "done"),
        ("book", 448, 1000, "goes-on"),
    ]
    first, second = rows_of(found, RowKind.ATTEMPT)
    assert (first.worker, first.fence, first.note) == ("worker-1", 1041, "worker worker-1 was lost")
    assert (second.worker, second.fence, second.note) == ("worker-3", 1042, "running")
    assert rows_of(found, RowKind.NO_HOLDER)[0].note == "until worker-3 took over"
    assert rows_of(found, RowKind.KEPT)[0].count == 2
    assert (found.start, found.end) == (START, at(1000))


def test_a_lost_worker_had_no_contact_for_the_length_of_the_lease() -> None:
    found = waterfall(CLOSE_OF_MAY, at(1000), lease_seconds=30)
    assert rows_of(found, RowKind.NO_HOLDER)[0].seconds == 30
    assert rows_of(found, RowKind.OPEN_STEP)[0].end == at(418)
    late = waterfall(CLOSE_OF_MAY, at(1000), lease_seconds=60)
    assert rows_of(late, RowKind.NO_HOLDER)[0].seconds == 46, "it wrote an event after its last renewal"


def test_a_worker_that_starts_again_under_its_name_was_lost_before() -> None:
    events = trail(
        SUBMITTED,
        started(1, 1, 7, "worker-1"),
        (40, "Interrupted", {"message": "worker worker-1 was lost"}),
        started(40, 2, 8, "worker-1"),
    )
    assert [row.seconds for row in rows_of(waterfall(events, at(50)), RowKind.NO_HOLDER)] == [39]


def test_a_worker_lost_twice_shows_three_attempts_and_what_each_kept() -> None:
    events = trail(
        SUBMITTED,
        started(1, 1, 7, "a"),
        (3, "Step", {"message": "load", "seconds": 2}),
        (10, "Interrupted", {"message": "worker a was lost", "worker": "b"}),
        started(10, 2, 8, "b"),
        (14, "Step", {"message": "book", "seconds": 4}),
        (30, "Interrupted", {"message": "worker b was lost", "worker": "c"}),
        started(30, 3, 9, "c"),
        (35, "Completed", {"message": "completed"}),
    )
    found = waterfall(events, at(99))
    assert [row.worker for row in rows_of(found, RowKind.ATTEMPT)] == ["a", "b", "c"]
    assert [row.count for row in rows_of(found, RowKind.KEPT)] == [1, 2]
    assert [row.label for row in rows_of(found, RowKind.KEPT)] == ["1 step", "2 steps"]
    assert [row.seconds for row in rows_of(found, RowKind.NO_HOLDER)] == [7, 16]
    assert [row.ending for row in rows_of(found, RowKind.ATTEMPT)] == [
        Ending.CUT_OFF, Ending.CUT_OFF, Ending.DONE,
    ]  # fmt: skip
    assert found.end == at(35), "an ended job does not reach to now"


def test_a_lock_that_was_handed_over_is_told() -> None:
    found = waterfall(trail(SUBMITTED, started(22, 1, 7, "a", chained=True)), at(30))
    assert found.rows[0].note == "until the job before handed the lock over"
    assert waterfall(trail(SUBMITTED, started(22, 1, 7, "a")), at(30)).rows[0].note == ""


def test_one_event_only_is_a_job_that_waits() -> None:
    found = waterfall(trail(SUBMITTED), at(61))
    assert shown(found) == [("In line", 0, 61, "goes-on")]


def test_no_event_is_no_row() -> None:
    found = waterfall([], at(0))
    assert (found.rows, found.start, found.end) == ((), None, None)


def test_a_job_cancelled_while_it_waits_has_no_attempt() -> None:
    found = waterfall(
        trail(SUBMITTED, (9, "Cancelled", {"message": "cancelled by jonas while waiting"})), at(99)
    )
    assert shown(found) == [("In line", 0, 9, "cancelled")]
    assert found.rows[0].note == "cancelled by jonas while waiting"


def test_a_job_that_timed_out_shows_the_work_that_was_not_recorded_as_failed() -> None:
    events = trail(
        SUBMITTED,
        started(0, 1, 7, "a"),
        (5, "Step", {"message": "load", "seconds": 5}),
        (65, "TimedOut", {"message": "it ran longer than 60 s"}),
    )
    found = waterfall(events, at(99))
    assert shown(found) == [
        ("In line", 0, 0, "done"),
        ("Attempt 1", 0, 65, "failed"),
        ("load", 0, 5, "done"),
        ("not recorded", 5, 65, "failed"),
    ]
    assert found.rows[-1].note == "it ran longer than 60 s"


def test_a_job_without_steps_is_its_attempt_alone() -> None:
    events = trail(SUBMITTED, started(2, 1, 7, "a"), (8, "Failed", {"message": "no such month"}))
    assert shown(waterfall(events, at(99))) == [("In line", 0, 2, "done"), ("Attempt 1", 2, 8, "failed")]


def test_an_interruption_that_fails_the_job_is_told_at_the_attempt() -> None:
    events = trail(
        SUBMITTED,
        started(2, 1, 7, "a"),
        (8, "Interrupted", {"message": "the runner process died", "died": True}),
        (8, "Failed", {"message": "its runner died 3 times"}),
    )
    found = waterfall(events, at(99))
    assert shown(found) == [("In line", 0, 2, "done"), ("Attempt 1", 2, 8, "cut-off")]
    assert found.rows[-1].note == "the runner process died; its runner died 3 times"


def test_a_stopped_worker_leaves_the_lock_free_until_the_next_attempt() -> None:
    events = trail(
        SUBMITTED,
        started(2, 1, 7, "a"),
        (8, "Interrupted", {"message": "worker a is stopping"}),
        started(10, 2, 8, "b"),
    )
    found = waterfall(events, at(20))
    assert shown(found)[2] == ("No holder", 8, 10, "done")
    assert found.rows[2].note == "until b continued the job"


def test_a_job_that_others_overtook_waited_in_line_again() -> None:
    events = trail(
        SUBMITTED,
        started(2, 1, 7, "a"),
        (8, "Interrupted", {"message": "worker a is stopping"}),
        started(30, 2, 10, "b"),
    )
    found = waterfall(events, at(40))
    assert shown(found)[2] == ("In line", 8, 30, "done")
    assert found.rows[2].note == "behind 2 other runs"


def test_a_job_that_waits_after_an_interruption_is_in_line_still() -> None:
    events = trail(SUBMITTED, started(2, 1, 7, "a"), (8, "Interrupted", {"message": "worker a is stopping"}))
    assert shown(waterfall(events, at(20)))[-1] == ("In line", 8, 20, "goes-on")


def test_a_request_to_cancel_is_a_moment_within_its_attempt() -> None:
    events = trail(
        SUBMITTED,
        started(2, 1, 7, "a"),
        (8, "CancelRequested", {"message": "…", "worker": None, "actor": "maria.k"}),
        (9, "Cancelled", {"message": "cancelled, asked by maria.k", "worker": "a"}),
    )
    found = waterfall(events, at(20))
    assert shown(found)[1:] == [("Attempt 1", 2, 9, "cancelled"), ("cancel requested", 8, 8, "done")]
    assert (found.rows[2].note, found.rows[2].attempt) == ("by maria.k", 1)


def test_clocks_that_run_backwards_never_give_a_bar_a_negative_length() -> None:
    events = trail(
        SUBMITTED,
        started(-3, 1, 7, "a"),
        (-2.5, "Step", {"message": "load", "seconds": 40}),
        (-9, "Interrupted", {"message": "worker a was lost", "worker": "b"}),
        started(-9, 2, 8, "b"),
        (-8, "Completed", {"message": "completed"}),
    )
    found = waterfall(events, at(-100))
    assert all(row.seconds >= 0 for row in found.rows)
    assert found.clocks_differ_by == 9
    assert rows_of(found, RowKind.STEP)[0].start == at(-3), "a step does not begin before its attempt"


def test_now_is_never_before_the_last_event() -> None:
    assert waterfall(CLOSE_OF_MAY, at(-5), step="book").end == at(448)
    assert waterfall(CLOSE_OF_MAY, at(1000)).clocks_differ_by == 0


def test_an_attempt_whose_end_is_missing_ends_with_the_next_start() -> None:
    events = trail(SUBMITTED, started(1, 1, 7, "a"), started(5, 2, 8, "b"))
    found = waterfall(events, at(6))
    assert shown(found)[1] == ("Attempt 1", 1, 5, "cut-off")
    assert found.rows[1].note == "its end is not recorded"


def test_a_trail_that_begins_in_the_middle_is_shown_from_there() -> None:
    found = waterfall(CLOSE_OF_MAY[5:], at(1000))
    assert [row.label for row in found.rows] == ["Attempt 2"]


def test_ten_thousand_steps_take_little_time() -> None:
    events = trail(SUBMITTED, started(1, 1, 7, "a"), *steps(10_000))
    began = time.process_time()
    found = waterfall(events, at(20_000), step="the last one")
    assert time.process_time() - began < 1
    assert len(rows_of(found, RowKind.STEP)) == 10_000
