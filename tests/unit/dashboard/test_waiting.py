"""Why a job waits, in words."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from tests.unit.dashboard.trails import at

from coordination.journal.events import timestamp
from coordination.journal.rows import JobRow, LockRow
from dashboard.board.snapshot import LockState, SlotState
from dashboard.waiting import Gap, Waiter, WaitingLine, line_in, line_of, start_of, start_sentence
from read_models.start_estimates import Estimate, Holder, left_at_this_pace


def ticket(job_id: str, kind: str = "close-month") -> JobRow:
    return JobRow(job_id, kind, "ledger-2026")


def running(progress: float | None = None, limit: float | None = None, attempt: int = 1) -> JobRow:
    return JobRow(
        "runs", "close-month", "ledger-2026",
        progress_value=progress, progress_limit=limit, attempt=attempt,
    )  # fmt: skip


def waiting(ahead: Sequence[str] = (), holder: Holder | None = None) -> WaitingLine:
    tickets = [ticket(f"ahead-{number}", kind) for number, kind in enumerate(ahead)]
    line = line_of("me", "ledger-2026", None, [*tickets, ticket("me")])
    return replace(line, holder=holder)


HOLDER = Holder("runs", "worker-3", 1042, at(0), running())


def test_a_line_tells_who_holds_the_lock_who_is_ahead_and_the_position() -> None:
    row = LockRow("ledger-2026", fence=1042, worker="worker-3", job_id="runs", started_at=timestamp(at(5)))
    line = line_of("me", "ledger-2026", row, [ticket("first"), ticket("me"), ticket("behind")])
    assert line.holder == Holder("runs", "worker-3", 1042, at(5))
    assert [waiter.job.job_id for waiter in line.ahead] == ["first"]
    assert line.me == Waiter(2, ticket("me"))
    assert (line.length, line.read) == (3, 3)


def test_the_running_job_is_known_only_if_it_is_the_one_that_holds_the_lock() -> None:
    row = LockRow("ledger-2026", fence=1042, worker="worker-3", job_id="runs")
    known = line_of("me", "ledger-2026", row, [ticket("me")], running=running(), length=500)
    assert (known.holder, known.length, known.read) == (
        Holder("runs", "worker-3", 1042, None, running()), 500, 1,
    )  # fmt: skip
    stale = line_of("me", "ledger-2026", row, [ticket("me")], running=ticket("before"))
    assert stale.holder == Holder("runs", "worker-3", 1042, None, None)


def test_a_free_lock_has_no_holder() -> None:
    row = LockRow("ledger-2026", fence=7, worker="worker-3", freed_at=timestamp(at(5)))
    assert line_of("me", "ledger-2026", row, [ticket("me")]).holder is None
    assert line_of("me", "ledger-2026", None, []).me is None


@pytest.mark.parametrize("ahead", [0, 1, 8])
def test_a_short_line_is_shown_whole(ahead: int) -> None:
    shown = waiting(["close-month"] * ahead).shown
    assert [waiter.position for waiter in shown if isinstance(waiter, Waiter)] == list(range(1, ahead + 1))
    assert len(shown) == ahead


def test_of_a_long_line_the_first_five_and_the_last_two_ahead_are_shown() -> None:
    shown = waiting(["close-month"] * 187).shown
    positions = [waiter.position for waiter in shown if isinstance(waiter, Waiter)]
    assert positions == [1, 2, 3, 4, 5, 186, 187]
    assert shown[5] == Gap(180)


def test_a_start_is_estimated_from_the_median_of_the_same_kinds() -> None:
    line = waiting(["close-month", "rerate"], HOLDER)
    durations = {"close-month": [100.0, 90.0, 1000.0], "rerate": [10.0, 20.0, 30.0, 40.0], "other": [5.0]}
    # 100 - 30 left of the running one, then 100 and 25.
    assert start_of(line, durations, at(30)) == Estimate(195.0, 7)


def test_how_long_a_run_still_takes_that_has_taken_longer_than_usual_is_unknown() -> None:
    assert start_of(waiting((), HOLDER), {"close-month": [9.0, 10.0, 11.0]}, at(30)) == Estimate(None)


def test_the_pace_of_the_running_job_counts_more_than_past_durations() -> None:
    holder = Holder("runs", "worker-3", 1042, at(0), running(25, 100))
    assert start_of(waiting((), holder), {}, at(100)) == Estimate(300.0, 0)


def test_a_start_is_unknown_when_too_few_jobs_of_a_kind_ahead_have_ended() -> None:
    line = waiting(["rerate", "other"], HOLDER)
    found = start_of(line, {"close-month": [9.0, 10.0, 11.0], "rerate": [1.0, 2.0]}, at(1))
    assert found == Estimate(None, 0, ("other", "rerate"))


def test_a_start_is_unknown_without_the_running_job_or_without_a_position() -> None:
    blind = Holder("runs", "worker-3", 1042, at(0), None)
    assert start_of(waiting((), blind), {}, at(1)) == Estimate(None)
    assert start_of(line_of("me", "l", None, [], length=2), {}, at(1)).seconds is None


@pytest.mark.parametrize(
    ("job", "elapsed", "left"),
    [
        (running(), 100, None),
        (running(50, None), 100, None),
        (running(50, 0), 100, None),
        (running(50, 100), 59, None),
        (running(4, 100), 100, None),
        (running(101, 100), 100, None),
        (running(50, 100, attempt=2), 100, None),
        (running(50, 100), 60, 60.0),
        (running(100, 100), 60, 0.0),
    ],
)
def test_a_pace_says_nothing_too_early_or_after_a_restart(
    job: JobRow, elapsed: float, left: float | None
) -> None:
    assert left_at_this_pace(job, elapsed) == left


ENDED = "It starts when the running job has ended."


@pytest.mark.parametrize(
    ("line", "when", "sentence"),
    [
        (
            waiting((), HOLDER),
            Estimate(261.0, 20),
            f"{ENDED} That is in about 4 min, from 20 past runs of the same kinds under this lock.",
        ),
        (
            waiting((), HOLDER),
            Estimate(3.0, 1),
            f"{ENDED} That is in a few seconds, from 1 past run of the same kinds under this lock.",
        ),
        (waiting((), HOLDER), Estimate(62.0), f"{ENDED} That is in about 60 s, at the present pace."),
        (waiting((), HOLDER), Estimate(7201.0), f"{ENDED} That is in about 2 h 00 min, at the present pace."),
        (waiting((), HOLDER), Estimate(None), f"{ENDED} When that is, is unknown."),
        (
            waiting((), HOLDER),
            Estimate(None, 0, ("a", "b")),
            f"{ENDED} When that is, is unknown: too few jobs of kind a, b have ended under this lock.",
        ),
    ],
)
def test_one_sentence_says_when_it_starts(line: WaitingLine, when: Estimate, sentence: str) -> None:
    assert start_sentence(line, when) == sentence


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        (waiting(), "It is next, and no job runs under this lock: it starts as soon as a worker that"),
        (waiting(["a"]), "It starts when the job ahead has ended."),
        (waiting(["a", "b"]), "It starts when the 2 jobs ahead have ended."),
        (waiting(["a"], HOLDER), "It starts when the running job and the job ahead have ended."),
        (waiting(["a"] * 1200, HOLDER), "It starts when the running job and the 1,200 jobs ahead have"),
        (
            line_of("me", "l", None, [ticket("other")], length=2),
            "Its position in the line is not known now. It is not among the first 1.",
        ),
        (line_of("me", "l", None, []), "Its position in the line is not known now."),
    ],
)
def test_a_sentence_begins_with_what_must_happen_first(line: WaitingLine, begins: str) -> None:
    assert start_sentence(line, Estimate(None)).startswith(begins)


@pytest.mark.parametrize(
    ("held", "ahead", "limit", "said"),
    [
        (3, 0, 3, "of the 3 running jobs, it starts when one of them has ended."),
        (3, 2, 3, "of the 3 running jobs and the 2 jobs ahead, it starts when 3 of them have ended."),
        (1, 1, 3, "A slot is free for it"),
        (
            4,
            0,
            2,
            "At most 2 jobs run at a time: of the 4 running jobs, it starts when 3 of them have ended.",
        ),
    ],
)
def test_under_a_lock_with_slots_a_job_starts_when_enough_have_ended(
    held: int, ahead: int, limit: int, said: str
) -> None:
    def row(number: int) -> LockRow:
        return LockRow("l", fence=1, job_id=f"runs-{number}", worker="w", is_closed=number >= limit)

    tickets = [ticket(f"first-{number}") for number in range(ahead)]
    others = tuple(SlotState(number, row(number)) for number in range(1, held))
    state = LockState("l", replace(row(0), limit=limit), None, [*tickets, ticket("me")], ahead + 1, others)
    line = line_in("me", state)
    assert [holder.job_id for holder in line.holders] == [f"runs-{number}" for number in range(held)]
    when = start_of(line, {}, at(1))
    assert when.seconds is None
    assert said in start_sentence(line, when)
