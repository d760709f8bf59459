"""Which bars and lines the picture of a lock has."""

from dataclasses import replace

from tests.unit.dashboard.runs import NOW, PERIOD, ago, lost, run
from tests.unit.dashboard.shown import find, text

from dashboard import lock_chart
from dashboard.charts import RunState
from dashboard.lock_chart import picture_of
from dashboard.lock_history import history
from dashboard.parts.run_legend import run_legend
from read_models.documents import LockRun


def picture(*runs: LockRun, running: int | None = None) -> lock_chart.LockPicture:
    return picture_of(history(runs, PERIOD, max(each.fence for each in runs), running))


def test_every_run_is_a_bar_in_the_order_of_time() -> None:
    found = picture(run(1, 60, 50), run(2, 50, 40, outcome="Failed", worker="worker-2"), run(3, 9), running=3)
    assert not found.is_by_holding
    assert [(bar.worker, bar.state, bar.fences) for bar in found.bars] == [
        ("worker-1", RunState.COMPLETED, "1"),
        ("worker-2", RunState.FAILED, "2"),
        ("worker-1", RunState.RUNNING, "3"),
    ]
    assert (found.bars[0].began_at, found.bars[0].ended_at) == (ago(60), ago(50))
    assert found.bars[2].ended_at == NOW
    assert found.bars[0].title == "Job 1"


def test_a_run_with_one_half_is_as_short_as_it_can_be() -> None:
    only_start, only_end = picture(run(1, 60), run(2, None, 40, worker=None)).bars
    assert (only_start.began_at, only_start.ended_at, only_start.state) == (
        ago(60),
        ago(60),
        RunState.UNKNOWN,
    )
    assert (only_end.began_at, only_end.ended_at) == (ago(40), ago(40))
    assert only_end.worker == "worker not known"


def test_a_run_that_overlapped_is_drawn_as_broken() -> None:
    assert picture(run(1, 60, 50, overlap="x")).bars[0].state is RunState.BROKEN


def test_a_nameless_run_is_told_by_its_kind() -> None:
    nameless = replace(run(1, 60, 50), name="")
    assert picture(nameless).bars[0].title == "ten-steps"
    assert picture(replace(nameless, kind=None)).bars[0].title == "job-1"
    assert picture(replace(nameless, kind=None, job_id=None)).bars[0].title == "1 run"


def test_take_overs_are_lines_in_the_order_of_time_with_their_cost() -> None:
    found = picture(
        lost(1, 60, 50, 51),
        run(2, 50, 40, job_id="job-1", worker="worker-2"),
        lost(3, 40, 30, 31, ended_by="worker-1", runner_died=True),
        run(4, 29, 20, job_id="job-3", worker="worker-3"),
    )
    assert [(line.lost_worker, line.worker, line.text) for line in found.take_overs] == [
        ("worker-1", "worker-2", "worker lost, at most 1 min 00 s"),
        ("worker-1", "worker-3", "runner died, 1 min 00 s"),
    ]
    assert found.take_overs[0].at == ago(50)


def many(*last: LockRun) -> list[LockRun]:
    runs = [run(fence, 100 - fence / 100, 99.995 - fence / 100) for fence in range(1, 2_001)]
    return [*runs, *last]


def test_more_runs_than_can_be_told_apart_are_one_bar_for_each_holding() -> None:
    assert not picture(*many()).is_by_holding
    tail = [
        lost(2_001, 79, 70, 71),
        run(2_002, 60, 50, tenure="lease-2", worker="worker-2", job_id="job-2001"),
    ]
    found = picture(*many(*tail))
    assert found.is_by_holding
    assert [(bar.worker, bar.fences, bar.title, bar.state) for bar in found.bars] == [
        ("worker-1", "1 to 2,001", "2,001 runs", RunState.INTERRUPTED),
        ("worker-2", "2,002", "1 run", RunState.COMPLETED),
    ]
    assert len(found.take_overs) == 1


def test_a_holding_looks_completed_unless_it_goes_on_or_was_cut_off_or_broken() -> None:
    failed = picture(*many(run(2_001, 50, 40, outcome="Failed")))
    assert failed.bars[0].state is RunState.COMPLETED
    broken = picture(*many(run(2_001, 50, 40, overlap="x"), run(2_002, 40, 30)))
    assert broken.bars[0].state is RunState.BROKEN
    running = picture(*many(run(2_001, 50)), running=2_001)
    assert (running.bars[0].state, running.bars[0].ended_at) == (RunState.RUNNING, NOW)


def test_the_legend_has_signs_where_bars_have_them() -> None:
    legend = run_legend([RunState.COMPLETED, RunState.FAILED], has_take_overs=True)
    assert text(legend) == "completed ✚ failed ▶ taken over"
    assert len(find(legend, "span.swatch.soft")) == 1
    assert text(run_legend([RunState.RUNNING], has_take_overs=False)) == "running"
    assert text(run_legend(list(RunState), has_take_overs=False)).count(" ") >= len(RunState)
