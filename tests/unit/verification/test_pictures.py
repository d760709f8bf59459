"""How much of a verdict is kept and drawn: the first violations, the runs around them, the latest runs."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.records import Records

from coordination.journal.events import timestamp
from verification import Invariant, Run, Scope, Violation, lock_reading
from verification.findings import Findings
from verification.picture import runs_to_draw
from verification.scratch_database import ScratchDatabase

BEGINNING = datetime(2026, 11, 21, tzinfo=UTC)


def run(lock: str, fence: int, *, minute: int | None = None, ended: bool = True, job: str = "") -> Run:
    """Return a run of half a minute that began in some minute."""
    began = BEGINNING + timedelta(minutes=fence if minute is None else minute)
    return Run(
        lock, lock, fence, job or f"{lock} {fence}", 1, "w", "", timestamp(began), "", None, None, "",
        timestamp(began + timedelta(seconds=30)) if ended else "",
    )  # fmt: skip


def drawn(runs: Iterable[Run], violations: Sequence[Violation] = (), scope: Scope | None = None) -> list[str]:
    scratch = ScratchDatabase()
    for each in runs:
        scratch.add_run(each)
    found = runs_to_draw(scratch, scope or Scope(), violations)
    scratch.close()
    return [each.job_id for each in found]


def violation(job_id: str | None, fence: int | None = None) -> Violation:
    return Violation(Invariant.EXCLUSION, "broken", None, job_id, fence)


#: A period in which no run is, so that only those around violations are drawn.
NOWHERE = Scope(until=BEGINNING)


def test_ten_thousand_runs_are_drawn_the_latest_ones_by_lock_and_fence() -> None:
    runs = [run(f"lock {number % 2}", number) for number in range(1, 10_003)]
    random.Random(1).shuffle(runs)
    shown = drawn(runs)
    assert len(shown) == 10_000
    assert shown == [f"lock 0 {n}" for n in range(4, 10_003, 2)] + [
        f"lock 1 {n}" for n in range(3, 10_003, 2)
    ]


def test_five_runs_on_either_side_of_a_violation_are_drawn() -> None:
    runs = [run("a", fence) for fence in range(1, 30)] + [run("b", fence) for fence in range(1, 30)]
    assert drawn(runs, [violation("a 12")], NOWHERE) == [f"a {fence}" for fence in range(7, 18)]
    assert drawn(runs, [violation("a 12", 12)], NOWHERE) == [f"a {fence}" for fence in range(7, 18)]
    assert drawn(runs, [violation("a 12", 13)], NOWHERE) == []
    assert drawn(runs, [violation(None), violation("unknown")], NOWHERE) == []


def test_a_violation_of_one_run_of_a_job_does_not_draw_its_others() -> None:
    runs = [run("a", fence, job="again" if fence in {10, 50} else "") for fence in range(1, 60)]
    assert drawn(runs, [violation("again", 50)], NOWHERE) == [
        "a 45", "a 46", "a 47", "a 48", "a 49", "again", "a 51", "a 52", "a 53", "a 54", "a 55"
    ]  # fmt: skip
    assert len(drawn(runs, [violation("again")], NOWHERE)) == 22


def test_at_most_two_thousand_runs_are_drawn_around_violations_and_the_latest_besides() -> None:
    runs = [run("a", fence) for fence in range(1, 12_001)]
    violations = [violation(f"a {fence}") for fence in range(6, 4000, 11)]
    shown = drawn(runs, violations)
    assert len(shown) == 10_000
    around = [f"a {fence}" for fence in range(1, 2003)]
    assert shown[:2002] == around, "whole surroundings, until there are two thousand"
    assert shown[2002:] == [f"a {fence}" for fence in range(4003, 12_001)]


@pytest.mark.parametrize(
    ("since", "until", "fences"),
    [(2, None, [2, 3, 4, 5]), (None, 3, [1, 2]), (2, 4, [2, 3]), (None, None, [1, 2, 3, 4, 5])],
)
def test_runs_of_the_period_are_drawn(since: int | None, until: int | None, fences: list[int]) -> None:
    def moment(minute: int | None) -> datetime | None:
        return None if minute is None else BEGINNING + timedelta(minutes=minute)

    runs = [run("a", fence, ended=fence != 5) for fence in range(1, 6)]
    assert drawn(runs, scope=Scope(since=moment(since), until=moment(until))) == [f"a {n}" for n in fences]
    ended = BEGINNING + timedelta(minutes=2, seconds=30)
    assert drawn(runs, scope=Scope(since=ended)) == ["a 2", "a 3", "a 4", "a 5"]
    assert drawn(runs, scope=Scope(since=ended + timedelta(microseconds=1))) == ["a 3", "a 4", "a 5"]


async def test_what_a_verdict_draws_are_its_runs() -> None:
    verdict = await verdict_on(Records(eventful("one"), eventful("other", first_number=50)))
    assert [(each.lock, each.fence) for each in verdict.runs] == [
        (lock, fence) for lock in ("one", "other") for fence in range(1, 8)
    ]
    assert {each.outcome for each in verdict.runs} == {"Completed", "Failed", "Interrupted"}


# --- what is kept -------------------------------------------------------------------


def test_a_thousand_violations_of_each_invariant_are_kept_by_number_and_all_are_counted() -> None:
    findings = Findings()
    of = {Invariant.STEPS_ONCE: 1001, Invariant.EVENTS: 1000, Invariant.EXCLUSION: 1500}
    for invariant, count in of.items():
        findings.add(Violation(invariant, str(number)) for number in range(count))
    assert findings.counts == of
    assert [(each.invariant, each.message) for each in findings.kept] == [
        (invariant, str(number))
        for invariant in (Invariant.EVENTS, Invariant.EXCLUSION, Invariant.STEPS_ONCE)
        for number in range(1000)
    ]


async def test_very_many_violations_of_one_invariant_hide_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock_reading, "_MOST_KEPT", 3)
    author = eventful()
    for job in author.jobs:
        author.event(job, 1)["actor"] = "altered"
    author.hold_lock_for(next(iter(author.jobs)))
    verdict = await verdict_on(Records(author))
    assert verdict.found == {Invariant.EVENTS: 3, Invariant.NOTHING_HELD: 1}
