"""I4, I5 and I10 by the ledger of a sink, for a lock with several slots: each has fences of its own."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.asking import file_of
from tests.unit.verification.records import Records

from contracts import lock_names
from verification.ledger import LedgerCheck
from verification.scope import Scope
from verification.scratch_database import Run, ScratchDatabase

LOCK = "ledger"
PARTITION = lock_names.partition(LOCK)


def moment(seconds: float) -> str:
    return f"2026-11-21T08:00:{seconds:09.6f}+00:00"


def run(job: str, slot: int, fence: int, began: float, ended: float | None, attempt: int = 1) -> Run:
    at = moment(began)
    end = "" if ended is None else moment(ended)
    return Run(PARTITION, LOCK, fence, job, attempt, "w1", at, at, "", None, None, at, end, slot=slot)


def effect(job: str, slot: int | None, fence: int, at: float, step: str = "a") -> str:
    line: dict[str, Any] = {"key": LOCK, "job": job, "fence": fence, "step": step, "at": at, "accepted": True}
    return json.dumps(line if slot is None else {**line, "slot": slot}) + "\n"


async def found(folder: Path, runs: list[Run], *lines: str, steps: tuple[Any, ...] = ()) -> list[str]:
    """Return what the checker says of a ledger, whose clock is 0 at 08:00."""
    scratch = ScratchDatabase()
    for each in runs:
        scratch.add_run(each)
    for step in steps:
        scratch.add("steps", step)
    check = LedgerCheck(file_of(folder, *lines), scratch, Scope(), 1.0, 0)
    return [f"{each.invariant.value} {each.message}" async for each in check.check(Records())]


ONE, OTHER = run("one", 0, 5, 1, 20), run("other", 1, 1, 2, 20)


async def test_a_fence_counts_within_its_slot_alone(tmp_path: Path) -> None:
    lines = effect("one", 0, 5, 1), effect("other", 1, 1, 3)
    assert await found(tmp_path, [ONE, OTHER], *lines) == []


async def test_a_lower_fence_in_the_same_slot_is_found(tmp_path: Path) -> None:
    runs = [ONE, OTHER, run("next", 1, 2, 20, None)]
    lines = effect("one", 0, 5, 1), effect("next", 1, 2, 20), effect("other", 1, 1, 20.5, "b")
    assert await found(tmp_path, runs, *lines) == [
        "I4 slot 1: the sink accepted step 'b' although it had seen fence 2 before"
    ]


@pytest.mark.parametrize(("job", "slot"), [("other", 0), ("other", None), ("other", 2), ("one", 1)])
async def test_an_effect_in_a_slot_in_which_the_job_did_not_run_is_found(
    tmp_path: Path, job: str, slot: int | None
) -> None:
    fence = 5 if job == "one" else 1
    lines = effect("one", 0, 5, 1), effect(job, slot, fence, 3, "x")
    assert any(
        "of a run that the journal does not know" in text
        for text in await found(tmp_path, [ONE, OTHER], *lines)
    )


async def test_a_run_is_over_when_the_next_one_of_its_slot_begins(tmp_path: Path) -> None:
    runs = [ONE, run("other", 1, 1, 2, None), run("next", 0, 6, 20, None)]
    lines = [effect("one", 0, 5, 1), effect("other", 1, 1, 30)]
    assert await found(tmp_path, runs, *lines) == []
    assert await found(tmp_path, [*runs, run("last", 1, 2, 25, None)], *lines) == [
        "I5 slot 1: the run had 1 effects after it was over; a run that was cut off may have 0"
    ]


#: A job whose second attempt was in a slot with lower fences.
MOVED = [run("one", 1, 9, 1, 10), run("one", 0, 2, 11, None, attempt=2)]


async def test_a_step_is_repeated_by_a_later_attempt_although_its_slot_has_lower_fences(
    tmp_path: Path,
) -> None:
    lines = effect("one", 1, 9, 1), effect("one", 0, 2, 12)
    said = await found(tmp_path, MOVED, *lines, steps=(("one", "a", 9, 1, moment(2)),))
    assert said == ["I10 step 'a' was recorded under fence 9, and had its effect again later"]


async def test_an_effect_of_an_earlier_attempt_repeats_nothing_although_its_slot_has_higher_fences(
    tmp_path: Path,
) -> None:
    lines = effect("one", 1, 9, 1), effect("one", 0, 2, 12)
    assert await found(tmp_path, MOVED, *lines, steps=(("one", "a", 2, 2, moment(12)),)) == []


async def test_a_step_is_done_twice_by_one_attempt(tmp_path: Path) -> None:
    lines = effect("one", 1, 9, 1), effect("one", 1, 9, 5)
    said = await found(tmp_path, MOVED, *lines, steps=(("one", "a", 9, 1, moment(2)),))
    assert said == ["I10 slot 1: step 'a' was recorded under fence 9, and had its effect again later"]
