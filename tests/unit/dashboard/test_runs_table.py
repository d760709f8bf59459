"""The table of a lock's runs: one row for each fence, in words."""

from dataclasses import replace

import pytest
from tests.unit.dashboard.runs import PERIOD, ago, lost, run
from tests.unit.dashboard.shown import find, links, text

from coordination.observations import HandOverCause
from dashboard.lock_history import Entry, history
from dashboard.obtaining import Gap, GapKind, Obtained, Way
from dashboard.parts.runs_table import cause_text, cost_text, runs_table


def row(entry: Entry | Gap) -> str:
    (found,) = find(runs_table([entry], "ledger"), "tbody")
    return text(found)


def test_a_row_says_fence_job_worker_state_and_times() -> None:
    shown = row(Entry(run(1042, 20, 10.5), Obtained(Way.CHAINED), is_running=False))
    assert shown == "fence 1,042 Job 1042 worker-1 Completed [clock] 9 min 30 s handed over in the same write"


def test_a_run_in_progress_ticks_and_is_marked() -> None:
    table = runs_table([Entry(run(7, 5), None, is_running=True)], "ledger")
    assert "Running [clock] [for]" in text(table)
    assert len(find(table, "tr.on")) == 1


def test_a_run_whose_end_is_not_known_says_so() -> None:
    assert "End not known [clock] \u2013" in row(Entry(run(7, 5), None, is_running=False))


def test_a_run_of_which_only_the_end_is_known_has_no_duration() -> None:
    only_end = run(7, None, 5, worker=None)
    assert (
        row(Entry(only_end, None, is_running=False)) == "fence 7 Job 7 \u2013 Completed \u2013 \u2013 \u2013"
    )


@pytest.mark.parametrize(
    ("obtained", "said"),
    [
        (Obtained(Way.FIRST), "first run of the lock"),
        (Obtained(Way.HANDED_OVER, 0.0029), "handed over after 2.9 ms"),
        (Obtained(Way.FREE, 300), "was free for 5 min 00 s"),
        (
            Obtained(Way.TAKEN_OVER, 17.2, HandOverCause.WORKER_LOST, is_at_most=True),
            "taken over: worker lost after at most 17 s",
        ),
        (Obtained(Way.TAKEN_OVER, 1.9, HandOverCause.RUNNER_DIED), "taken over: runner died after 1.9 s"),
        (Obtained(Way.TAKEN_OVER, 3, HandOverCause.WORKER_STOPPED), "taken over: worker stopped after 3.0 s"),
        (Obtained(Way.TAKEN_OVER, 3), "taken over: run cut off after 3.0 s"),
        (None, "\u2013"),
    ],
)
def test_how_a_run_got_the_lock_is_said_in_words(obtained: Obtained | None, said: str) -> None:
    assert row(Entry(run(2, 2, 1), obtained, is_running=False)).endswith(f" {said}")


def test_every_cause_has_words() -> None:
    assert {cause_text(cause) for cause in HandOverCause} == {
        "worker lost", "runner died", "worker stopped", "run cut off",
    }  # fmt: skip
    assert cause_text(None) == "run cut off"
    assert cost_text(Obtained(Way.FREE, 12)) == "12 s"


def test_names_lead_to_their_jobs_and_a_job_without_one_shows_its_kind() -> None:
    nameless = replace(run(2, 2, 1), name="")
    table = runs_table([Entry(nameless, None, is_running=False)], "ledger")
    assert links(table) == [("job", {"id": "job-2"})]
    assert "ten-steps" in text(table)
    unknown = replace(nameless, kind=None)
    assert "job-2" in row(Entry(unknown, None, is_running=False))
    assert links(runs_table([Entry(replace(unknown, job_id=None), None, is_running=False)], "l")) == []


def test_a_name_is_text_whatever_it_looks_like() -> None:
    hostile = run(2, 2, 1, name="<script>alert(1)</script> **b** :red[x]")
    assert "<script>alert(1)</script> **b** :red[x]" in row(Entry(hostile, None, is_running=False))


def test_runs_that_overlapped_are_marked_as_wrong() -> None:
    table = runs_table([Entry(run(2, 2, 1, overlap="x"), None, is_running=False)], "ledger")
    assert len(find(table, "tr.wrong")) == 1


def test_fences_without_a_run_are_red_rows_that_lead_to_the_proof() -> None:
    table = runs_table([Gap(1033, 1035, GapKind.MISSING)], "a/b c")
    assert text(find(table, "tr.wrong")[0]) == (
        "fence 1,033 to 1,035 No run is known with this fence: check the lock"
    )
    assert links(table) == [("proof", {"lock": "a/b c"})]


@pytest.mark.parametrize(
    ("kind", "said"), [(GapKind.PENDING, "not projected yet"), (GapKind.CLOSING, "used to end the run")]
)
def test_fences_that_are_explained_are_not_red(kind: GapKind, said: str) -> None:
    table = runs_table([Gap(7, 7, kind)], "ledger")
    assert find(table, "tr.wrong") == []
    assert said in text(table)


def test_rows_have_keys_of_their_own() -> None:
    runs = [run(1, 60, 50), lost(2, 50, 40, 41), run(5, 30, 20)]
    rows = find(runs_table(history(runs, PERIOD, last_fence=8).rows, "l"), "tr")[1:]
    assert [each[1]["k"] for each in rows] == ["gap-0-6", "0 5", "gap-0-3", "0 2", "0 1"]
    assert ago(0) == PERIOD[1]
