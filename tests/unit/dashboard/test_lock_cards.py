"""The cards of a lock's page, in words."""

from typing import Any

import pytest
from tests.unit.dashboard.runs import NOW, PERIOD, ago, lost, run
from tests.unit.dashboard.shown import find, links, text

from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow, LockRow
from dashboard.board.snapshot import LockState
from dashboard.lock_history import history
from dashboard.parts.lock_cards import about_card, fact_tiles, line_card, take_overs_card
from dashboard.reading.lock import LockView
from read_models.documents import LockRun


def tiles(*runs: LockRun, last_fence: int = 0) -> list[str]:
    return [
        text(tile) for tile in find(fact_tiles(history(runs, PERIOD, last_fence), "3 h", "l"), "div.tile")
    ]


def job(number: int, **more: Any) -> JobRow:
    values: dict[str, Any] = {
        "name": f"Job {number}",
        "actor": "maria.k",
        "queued_at": timestamp(ago(number)),
    }
    return JobRow(f"job-{number}", "ten-steps", "ledger", **(values | more))


def busy(*line: JobRow, waiting: int | None = None, running: JobRow | None = None) -> LockState:
    row = LockRow("ledger", fence=7, job_id="job-0", worker="worker-1", started_at=timestamp(NOW))
    return LockState("ledger", row, running, line, len(line) if waiting is None else waiting)


def test_facts_without_runs_say_that_there_were_none() -> None:
    assert tiles() == [
        "In use, 3 h 0% 0 runs, 0 workers",
        "Between runs, 3 h \u2013 no job waited for the lock",
        "Take-overs, 3 h 0 no run was cut off",
        "Wait, 3 h \u2013 no job began to run",
        "Overlaps 0 0 fences, all rising",
    ]


def test_facts_of_a_period() -> None:
    found = tiles(
        run(1, 100, 90, queued_at=ago(101)),
        run(2, 89, 70, queued_at=ago(95)),
        lost(3, 70, 40, 41, queued_at=ago(72), begun_in="end-2"),
        run(4, 40, 30, job_id="job-3", worker="worker-2", queued_at=ago(40)),
        lost(5, 29, 20, 21, ended_by="worker-1", runner_died=True),
        run(6, 19, 10, job_id="job-5"),
        last_fence=6,
    )
    assert found == [
        "In use, 3 h 48% 6 runs, 2 workers",
        "Between runs, 3 h 1 min 00 s median in the journal; p95 1 min 00 s, of 3",
        "Take-overs, 3 h 2 at most 2 min 00 s lost",
        "Wait, 3 h 1 min 00 s median longest 6 min 00 s",
        "Overlaps 0 6 fences, all rising",
    ]


def test_a_use_that_is_hardly_any_is_not_shown_as_none() -> None:
    assert tiles(run(1, 1, 0.9))[0] == "In use, 3 h < 1% 1 run, 1 worker"


def test_time_lost_without_lost_workers_is_exact() -> None:
    stopped = lost(1, 29, 20, 21, ended_by="worker-1")
    assert "1 1 min 00 s lost" in tiles(stopped, run(2, 19, 10, job_id="job-1"))[2]


def test_overlaps_are_red_and_lead_to_the_proof() -> None:
    shown = fact_tiles(history([run(1, 9, 5, overlap="x")], PERIOD), "3 h", "a b")
    (value,) = find(shown, "span.value.bad")
    assert text(value) == "1"
    assert links(shown) == [("proof", {"lock": "a b"})]


def test_missing_fences_are_said_where_overlaps_are() -> None:
    assert tiles(run(1, 90, 80), run(4, 70, 60))[-1] == "Overlaps 0 2 fences without a run"


def test_the_line_says_who_is_there_now_and_who_waits_in_which_place() -> None:
    running = job(0, progress_value=68.0, progress_limit=100.0)
    card = line_card(busy(job(1, priority=3), job(2, priority=4, interruptions=2), running=running), 10)
    assert [text(item) for item in find(card, "li")] == [
        "now Job 0 running, 68% done [for]",
        "1 Job 1 priority 3 · urgent · by maria.k [for]",
        "2 Job 2 priority 4 · by maria.k · cut off 2 times [for]",
    ]
    assert links(card) == [("job", {"id": f"job-{number}"}) for number in range(3)]


def test_a_run_of_which_only_the_id_is_known_is_shown_by_it() -> None:
    card = line_card(busy(), 10)
    assert "now job-0 running [for]" in text(card)
    assert "No jobs waiting." in text(card)


@pytest.mark.parametrize(("value", "limit", "share"), [(7.0, 4.0, "100%"), (-1.0, 4.0, "0%")])
def test_progress_beyond_its_limits_is_cut_off(value: float, limit: float, share: str) -> None:
    card = line_card(busy(running=job(0, progress_value=value, progress_limit=limit)), 10)
    assert f"{share} done" in text(card)


def test_progress_without_a_limit_has_no_share() -> None:
    assert "running [for]" in text(line_card(busy(running=job(0, progress_value=7.0)), 10))


def test_a_free_lock_without_a_line_has_an_empty_card() -> None:
    assert text(line_card(LockState("l", LockRow("l")), 10)) == "The line No jobs waiting."


def test_a_long_line_shows_its_beginning_and_offers_the_rest() -> None:
    state = busy(*(job(number) for number in range(1, 201)), waiting=1_540)
    card = line_card(state, 10)
    assert len(find(card, "li")) == 11
    assert text(find(card, "button.action")[0]) == "Show the first 200"
    assert "more" not in text(card)
    whole = line_card(state, 200)
    assert len(find(whole, "li")) == 201
    assert find(whole, "button.action") == []
    assert "and 1,340 more" in text(whole)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "worker-1 was lost: at most 2 min 00 s from its last event to the next start. Fence 1 → 2."),
        (
            {"ended_by": "worker-1", "runner_died": True},
            "The runner process died; 1 min 00 s until the next start. Fence 1 → 2.",
        ),
        (
            {"ended_by": "worker-1"},
            "The worker stopped the run; 1 min 00 s until the next start. Fence 1 → 2.",
        ),
        ({"ended_by": None}, "The run was cut off; 1 min 00 s until the next start. Fence 1 → 2."),
    ],
)
def test_take_overs_say_what_happened_and_what_it_cost(more: dict[str, Any], said: str) -> None:
    runs = [lost(1, 60, 50, 51, **more), run(2, 49, 40, job_id="job-1", worker="worker-2")]
    card = take_overs_card(history(runs, PERIOD), "3 h")
    assert [text(item) for item in find(card, "li")] == [f"worker-1 → worker-2 {said} [ago]"]


def test_a_worker_that_starts_again_by_itself_is_named_once() -> None:
    runs = [lost(1, 60, 50, 51, ended_by="worker-1"), run(2, 49, 40, job_id="job-1")]
    assert "worker-1 again" in text(take_overs_card(history(runs, PERIOD), "3 h"))


def test_many_take_overs_are_counted() -> None:
    runs = [lost(number, 60 - number, 59.5 - number, None) for number in range(1, 14)]
    card = take_overs_card(history(runs, PERIOD), "3 h")
    assert len(find(card, "li")) == 10
    assert "and 2 more" in text(card)
    assert "None: no run was cut off." in text(take_overs_card(history([], PERIOD), "3 h"))


def test_what_a_lock_is() -> None:
    view = LockView(LockState("l", LockRow("l", fence=1042)), (), ago(1), (), 1)
    card = about_card(view, "l-0123")
    assert (
        text(card)
        == "About this lock First used [date] Runs ever 1,042 Limit one job at a time Partition l-0123"
    )
    assert [each[1]["copy"] for each in find(card, "button.copy")] == ["l-0123"]
    never = LockView(LockState("l", LockRow("l")), (), None, (), 0)
    assert "First used \u2013 Runs ever 0" in text(about_card(never, "l-0123"))
