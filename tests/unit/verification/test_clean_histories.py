"""Nothing is found where nothing is wrong, and what is told of it is right."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.verification.asking import Scope, broken, file_of, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, effect, eventful, job_id
from tests.unit.verification.records import Records

from coordination.journal import rows
from coordination.journal.events import chain_hash
from coordination.journal.rows import EventRow
from verification import Invariant


async def test_an_eventful_history_holds_and_is_summed_up() -> None:
    verdict = await verdict_on(Records(eventful()))
    assert verdict.violations == []
    assert verdict.counts == {
        "locks": 1,
        "jobs": 5,
        "unfinished": 0,
        "events": 31,
        "runs": 7,
        "interruptions": 3,
        "effects_accepted": 0,
        "effects_refused": 0,
        "accepted": 0,
    }
    assert verdict.outcomes == {"Completed": 3, "Failed": 1, "Cancelled": 1}
    assert {cause: of.count for cause, of in verdict.take_over.items()} == {
        "runner_died": 1,
        "worker_stopped": 1,
        "worker_lost": 1,
    }
    assert verdict.take_over["worker_lost"].max == pytest.approx(20.1)
    assert verdict.take_over["runner_died"].max == pytest.approx(0.1)
    assert (verdict.hand_over.count, verdict.in_line.count) == (3, 7)
    assert verdict.hand_over.p50 == pytest.approx(0.1)
    assert set(verdict.unchecked) == {
        Invariant.QUEUES,
        Invariant.ONE_END,
        Invariant.SINK_FENCES,
        Invariant.SINK_OVERLAP,
        Invariant.STEPS_ONCE,
        Invariant.TAKE_OVER_TIMES,
    }


async def test_several_locks_hold_with_their_sink_and_accepted_ids(tmp_path: Path) -> None:
    one, other = eventful("one"), eventful("other", first_number=100)
    ids = file_of(tmp_path, *(f"{job}\n" for job in [*one.jobs, *other.jobs]))
    verdict = await verdict_on(Records(one, other), accepted=ids)
    assert verdict.violations == []
    assert (verdict.counts["locks"], verdict.counts["jobs"], verdict.counts["accepted"]) == (2, 10, 10)


async def test_unfinished_jobs_are_no_violation_and_are_counted() -> None:
    author = Author()
    running, interrupted, waiting = (author.submit() for _ in range(3))
    author.start(interrupted)
    author.interrupt(interrupted)
    author.start(running)
    author.step(running, "one")
    verdict = await verdict_on(Records(author))
    assert verdict.violations == []
    assert verdict.counts["unfinished"] == 3
    assert verdict.outcomes == {}
    assert waiting in author.jobs


async def test_a_period_judges_what_reaches_into_it_as_a_whole() -> None:
    author = Author()
    before, across, after = author.submit(), author.submit(), ""
    author.start(before)
    author.end(before)
    author.start(across)
    author.pause(100)
    author.step(across, "one")
    author.end(across)
    author.pause(100)
    after = author.submit()
    author.start(after)
    author.end(after)
    author.event(before, 2)["message"] = "altered"
    records = Records(author)
    middle = Scope(since=BEGINNING + timedelta(seconds=50), until=BEGINNING + timedelta(seconds=150))
    verdict = await verdict_on(records, scope=middle)
    assert verdict.violations == []
    assert (verdict.counts["jobs"], verdict.counts["runs"], verdict.counts["events"]) == (1, 1, 5)
    assert set(await broken(records, scope=Scope(until=BEGINNING + timedelta(seconds=50)))) == {"I1"}
    assert set(await broken(records)) == {"I1"}


async def test_only_the_chosen_locks_are_judged() -> None:
    good, bad = eventful("good"), eventful("bad", first_number=100)
    bad.event(job_id(100), 2)["message"] = "altered"
    records = Records(good, bad)
    verdict = await verdict_on(records, scope=Scope(("good",)))
    assert verdict.violations == []
    assert verdict.counts["jobs"] == 5
    assert set(await broken(records, scope=Scope(("bad",)))) == {"I1"}


async def test_effects_are_counted_and_a_refused_one_is_the_fence_at_work(tmp_path: Path) -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    lines = [effect(author, first, "one")]
    author.pause(30)
    author.take_over(first, "w2", start=second)
    author.pause(10)
    lines += [effect(author, second, "one"), effect(author, first, "two", accepted=False, highest=2)]
    verdict = await verdict_on(Records(author), sink=file_of(tmp_path, *lines))
    assert verdict.violations == []
    assert (verdict.counts["effects_accepted"], verdict.counts["effects_refused"]) == (2, 1)


async def test_a_period_also_chooses_among_the_effects(tmp_path: Path) -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    lines = [effect(author, first, "one"), effect(author, first, "of an unknown run", job=job_id(77))]
    author.end(first)
    author.pause(100)
    author.start(second)
    lines.append(effect(author, second, "two"))
    later = Scope(since=BEGINNING + timedelta(seconds=50))
    verdict = await verdict_on(Records(author), sink=file_of(tmp_path, *lines), scope=later)
    assert verdict.violations == []
    assert verdict.counts["effects_accepted"] == 1
    lines.append(effect(author, second, "three", job=job_id(77)))
    sink = file_of(tmp_path, *lines)
    assert len((await broken(Records(author), sink=sink, scope=later)).pop("I4")) == 1
    assert len((await broken(Records(author), sink=sink)).pop("I4")) == 2


async def test_one_effect_that_was_cut_off_within_a_call_may_come_late(tmp_path: Path) -> None:
    author = Author()
    first = author.submit()
    author.start(first)
    lines = [effect(author, first, "one")]
    author.pause(30)
    author.take_over(first, "w2")
    author.pause(10)
    lines.append(effect(author, first, "two", fence=1))
    sink = file_of(tmp_path, *lines)
    assert await broken(Records(author), sink=sink) == {}
    assert set(await broken(Records(author), sink=sink, late_effects=0)) == {"I5"}


async def test_a_ledger_goes_on_after_the_sinks_machine_was_started_anew(tmp_path: Path) -> None:
    author = Author()
    first, second = author.submit(), author.submit()
    author.start(first)
    lines = [effect(author, first, step) for step in ("one", "two", "three")]
    author.end(first)
    author.pause(3600)
    author.start(second)
    lines += [effect(author, second, "one", at=20.0), effect(author, second, "two", at=21.0)]
    author.end(second)
    assert await broken(Records(author), sink=file_of(tmp_path, *lines)) == {}
    lines += [effect(author, second, step, at=40.0) for step in ("three", "four")]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I5"}


@pytest.mark.parametrize(
    "data", ["", "[]", "[" * 100_000, '{"kind": ["x"], "priority": 1e99}', '{"kind": "\\ud800"}']
)
async def test_a_submission_that_tells_nothing_of_its_job_is_compared_with_nothing(data: str) -> None:
    author = Author()
    job = author.submit()
    values = author.event(job, 1)
    values["data"] = data
    values["hash"] = chain_hash(EventRow.from_values(values))
    author.jobs[job] = replace(author.jobs[job], event_hash=values["hash"])
    author.rows[rows.job_key(job)][0]["event_hash"] = values["hash"]
    author.rows[author.jobs[job].ticket_key][0]["event_hash"] = values["hash"]
    assert await broken(Records(author)) == {}
