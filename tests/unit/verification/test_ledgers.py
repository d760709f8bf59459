"""I4, I5 and I10 by the sink's ledger: exactly at each limit, and what a ledger must be."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.asking import Scope, broken, file_of, the_violation, verdict_on
from tests.unit.verification.authored import Author, effect
from tests.unit.verification.breaking import FIRST as JOB
from tests.unit.verification.breaking import SECOND as NEXT
from tests.unit.verification.breaking import rechain, running
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus
from coordination.journal import rows
from coordination.journal.events import timestamp
from verification import Stored, ledger

#: The sink's clock shows 0 when the run begins whose first effect comes at once.
BEGIN = 0.0


def at(author: Author, of: str, step: str, moment: float, **more: Any) -> str:
    return effect(author, of, step, at=moment, **more)


# --- I5: when a run was over ------------------------------------------------------


def cut_off() -> Author:
    """Return a run that begins, and exactly 30 s later is cut off; the next begins then."""
    author = running()
    author.pause(29.9)
    author.take_over(JOB, "w2")
    return author


@pytest.mark.parametrize(
    ("moments", "late_effects", "count"),
    [
        ([35.0, 35.0], 0, 0),
        ([35.001], 0, 1),
        ([35.001], 1, 0),
        ([35.001, 35.0], 1, 0),
        ([35.001, 36.0], 1, 2),
        ([35.001, 36.0], 2, 0),
        ([36.0, 37.0, 38.0], 2, 3),
    ],
)
async def test_a_run_may_have_so_many_effects_beyond_the_tolerance(
    tmp_path: Path, moments: Sequence[float], late_effects: int, count: int
) -> None:
    author = cut_off()
    lines = [at(author, JOB, "a", BEGIN, fence=1)]
    lines += [at(author, JOB, f"late {moment}", moment, fence=1) for moment in moments]
    question = {"sink": file_of(tmp_path, *lines), "late_effects": late_effects}
    if not count:
        assert await broken(Records(author), **question) == {}
        return
    violation = await the_violation(Records(author), **question)
    assert violation.message == (
        f"the run had {count} effects after it was over; a run that was cut off may have {late_effects}"
    )
    assert (violation.invariant.value, violation.lock) == ("I5", "ledger")
    assert (violation.job_id, violation.fence) == (JOB, 1)


@pytest.mark.parametrize(("tolerance", "found"), [(6.0, set()), (5.999, {"I5"}), (0.0, {"I5"})])
async def test_the_tolerance_is_the_one_that_was_asked_for(
    tmp_path: Path, tolerance: float, found: set[str]
) -> None:
    author = cut_off()
    lines = [at(author, JOB, "a", BEGIN, fence=1), at(author, JOB, "b", 36.0, fence=1)]
    question = {"sink": file_of(tmp_path, *lines), "tolerance_seconds": tolerance, "late_effects": 0}
    assert set(await broken(Records(author), **question)) == found


async def test_a_run_is_over_when_the_next_begins_although_its_end_was_written_later(tmp_path: Path) -> None:
    author = cut_off()
    late = timestamp(author.now.replace(hour=9))
    for seq in (4,):
        author.event(JOB, seq)["timestamp"] = late
    rechain(author, JOB)
    author.rows[rows.job_key(JOB)][0]["queued_at"] = late
    lines = [at(author, JOB, "a", BEGIN, fence=1), at(author, JOB, "b", 36.0, fence=1)]
    question = {"sink": file_of(tmp_path, *lines), "late_effects": 0}
    assert set(await broken(Records(author), **question)) == {"I5"}


async def test_late_effects_are_counted_for_each_run_by_itself(tmp_path: Path) -> None:
    author = cut_off()
    author.pause(29.9)
    author.take_over(JOB, "w3")
    lines = [
        at(author, JOB, "a", BEGIN, fence=1),
        at(author, JOB, "b", 40.0, fence=1),
        at(author, JOB, "c", 90.0, fence=2),
    ]
    assert await broken(Records(author), sink=file_of(tmp_path, *lines)) == {}


# --- I4: fences -------------------------------------------------------------------


async def test_a_lower_fence_is_told_with_the_highest_one_before_it(tmp_path: Path) -> None:
    author = cut_off()
    lines = [
        at(author, JOB, "a", BEGIN, fence=1),
        at(author, JOB, "b", 31.0, fence=2),
        at(author, JOB, "c", 31.0, fence=2),
        at(author, JOB, "d", 31.0, fence=1),
        at(author, JOB, "e", 31.0, fence=2),
    ]
    violation = await the_violation(Records(author), sink=file_of(tmp_path, *lines))
    assert violation.message == "the sink accepted step 'd' although it had seen fence 2 before"
    assert (violation.invariant.value, violation.lock) == ("I4", "ledger")
    assert (violation.job_id, violation.fence) == (JOB, 1)


async def test_fences_of_one_lock_say_nothing_of_another(tmp_path: Path) -> None:
    author, other = cut_off(), Author("other", first_number=50)
    job = other.submit()
    other.start(job)
    lines = [at(author, JOB, "a", BEGIN, fence=1), at(author, JOB, "b", 31.0, fence=2)]
    lines.append(at(other, job, "a", 31.0, fence=1))
    assert await broken(Records(author, other), sink=file_of(tmp_path, *lines)) == {}


async def test_what_was_refused_had_no_effect_and_is_judged_by_no_rule(tmp_path: Path) -> None:
    author = cut_off()
    lines = [
        at(author, JOB, "a", BEGIN, fence=1),
        at(author, JOB, "b", 31.0, fence=9, accepted=False),
        at(author, JOB, "c", 31.0, fence=2),
        *(at(author, JOB, f"late {n}", 90.0, fence=1, accepted=False) for n in range(3)),
        at(author, NEXT, "d", 95.0, fence=7, accepted=False),
    ]
    verdict = await verdict_on(Records(author), sink=file_of(tmp_path, *lines))
    assert verdict.violations == []
    assert (verdict.counts["effects_accepted"], verdict.counts["effects_refused"]) == (2, 5)


async def test_one_effect_of_each_kind_is_enough_to_judge_by(tmp_path: Path) -> None:
    author = running()
    lines = [at(author, JOB, "a", BEGIN), at(author, JOB, "b", 1.0, accepted=False)]
    for some in (lines, lines[:1], lines[1:]):
        verdict = await verdict_on(Records(author), sink=file_of(tmp_path, *some))
        assert {number.value for number in verdict.unchecked} == {"I3", "I6", "I11"}


async def test_a_fence_that_was_seen_before_the_period_counts(tmp_path: Path) -> None:
    author = cut_off()
    author.pause(60)
    lines = [
        at(author, JOB, "a", BEGIN, fence=1),
        at(author, JOB, "b", 31.0, fence=2),
        at(author, JOB, "c", 80.0, fence=1),
    ]
    scope = Scope(since=author.now)
    question = {"sink": file_of(tmp_path, *lines), "scope": scope, "late_effects": 9}
    assert await broken(Records(author), **question) == {}
    lines[-1] = at(author, JOB, "c", 95.0, fence=1)
    question["sink"] = file_of(tmp_path, *lines)
    assert set(await broken(Records(author), **question)) == {"I4"}


class Growing(Records):
    """The journal is read before a run begins that the ledger knows already."""

    def __init__(self, author: Author, first: list[Stored]) -> None:
        super().__init__(author)
        self._author = author
        self.partitions[author.partition] = first
        self.told = [
            each for each in self.told if any(each.event.hash == row.values.get("hash") for row in first)
        ]
        self.asked = 0

    async def job(self, partition: str, job_id: str) -> Sequence[Stored]:
        self.asked += 1
        self.partitions[self._author.partition] = self._author.stored()
        return await super().job(partition, job_id)


async def test_a_run_that_began_after_the_journal_was_read_is_looked_up_once(tmp_path: Path) -> None:
    author = Author()
    job = author.submit()
    before = author.stored()
    author.start(job)
    lines = [at(author, job, f"{n}", float(n)) for n in range(300)]
    records = Growing(author, before)
    assert await broken(records, sink=file_of(tmp_path, *lines)) == {}
    # Once for the list of runs, which has it, too, and once for all lines of the ledger.
    assert records.asked == 2


@pytest.mark.parametrize("more", [{"fence": 2}, {"job": NEXT}])
async def test_a_run_that_did_not_begin_in_the_meantime_stays_unknown(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    author = Author()
    job = author.submit()
    before = author.stored()
    author.start(job)
    author.step(job, "b")
    lines = [at(author, job, "a", 0.0), at(author, job, "c", 1.0, **more)]
    violation = await the_violation(Growing(author, before), sink=file_of(tmp_path, *lines))
    assert violation.message == "the sink accepted step 'c' of a run that the journal does not know"
    assert (violation.invariant.value, violation.lock) == ("I4", "ledger")
    assert (violation.job_id, violation.fence) == (more.get("job", job), more.get("fence", 1))


async def test_of_very_many_unknown_runs_only_some_are_looked_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "_MOST_LOOKED_FOR", 1)
    author = Author()
    jobs = [author.submit() for _ in range(2)]
    before = author.stored()
    author.start(jobs[0])
    author.end(jobs[0], chain=jobs[1])
    lines = [at(author, job, "a", float(fence), fence=fence) for fence, job in enumerate(jobs, 1)]
    records = Growing(author, before)
    found = await broken(records, sink=file_of(tmp_path, *lines))
    assert found["I4"] == ["the sink accepted step 'a' of a run that the journal does not know"]


# --- I10: recorded steps ------------------------------------------------------------


@pytest.mark.parametrize(("moment", "found"), [(15.0, set()), (15.001, {"I10"})])
async def test_a_step_may_have_its_effect_until_the_tolerance_after_its_record(
    tmp_path: Path, moment: float, found: set[str]
) -> None:
    author = running()
    author.pause(9.9)
    author.step(JOB, "one")
    lines = [at(author, JOB, "zero", BEGIN), at(author, JOB, "one", moment)]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == found


async def test_a_later_run_must_not_do_a_recorded_step_and_an_earlier_one_may_have_done_it(
    tmp_path: Path,
) -> None:
    author = cut_off()
    lines = [at(author, JOB, "one", BEGIN, fence=1), at(author, JOB, "one", 31.0, fence=2)]
    author.step(JOB, "one")
    assert await broken(Records(author), sink=file_of(tmp_path, *lines)) == {}
    author.interrupt(JOB)
    author.start(JOB)
    lines.append(at(author, JOB, "one", 31.0, fence=3))
    violation = await the_violation(Records(author), sink=file_of(tmp_path, *lines))
    assert violation.message == "step 'one' was recorded under fence 2, and had its effect again later"
    assert (violation.invariant.value, violation.lock) == ("I10", "ledger")
    assert (violation.job_id, violation.fence) == (JOB, 3)


# --- the sink's clock ---------------------------------------------------------------


async def test_the_clock_is_set_by_the_effect_that_came_soonest_after_the_start_of_its_run(
    tmp_path: Path,
) -> None:
    author = running()
    author.end(JOB, chain=author.submit())
    author.end(NEXT, EventStatus.FAILED)
    # The run of the first job began 0.3 s before that of the second, and its effect came 10.2 s earlier.
    lines = [at(author, JOB, "a", 90.0), at(author, NEXT, "b", 100.2)]
    assert await broken(Records(author), sink=file_of(tmp_path, *lines), late_effects=0) == {
        "I5": ["the run had 1 effects after it was over; a run that was cut off may have 0"]
    }
    assert await broken(Records(author), sink=file_of(tmp_path, *lines), tolerance_seconds=10.0) == {}


async def test_an_effect_of_another_job_under_the_runs_fence_sets_no_clock(tmp_path: Path) -> None:
    author = running()
    author.end(JOB)
    lines = [at(author, NEXT, "x", -60.0, fence=1), at(author, JOB, "a", BEGIN)]
    found = await broken(Records(author), sink=file_of(tmp_path, *lines), late_effects=0)
    assert set(found) == {"I4"}
