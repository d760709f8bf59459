"""I4, I5 and I10: effects outside of runs that may not have them, and steps done twice, are found."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.verification.asking import broken, file_of
from tests.unit.verification.authored import Author, effect, eventful, job_id
from tests.unit.verification.records import Records

from contracts.statuses import EventStatus


async def test_a_step_recorded_twice_is_found_and_nothing_else() -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    author.step(job, "one")
    author.interrupt(job)
    author.start(job)
    author.step(job, "one")
    author.end(job)
    assert set(await broken(Records(author))) == {"I10"}


async def test_a_recorded_step_that_has_an_effect_again_is_found(tmp_path: Path) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "one")]
    author.step(job, "one")
    author.interrupt(job)
    author.start(job)
    lines.append(effect(author, job, "one"))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I10"}


async def test_an_effect_accepted_under_a_lower_fence_is_found(tmp_path: Path) -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    lines = [effect(author, one, "a")]
    author.end(one, chain=other)
    lines += [effect(author, other, "b"), effect(author, one, "c")]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I4"}


@pytest.mark.parametrize("more", [{"fence": 9}, {"job": job_id(77)}, {"key": "another lock"}])
async def test_an_effect_of_a_run_that_the_journal_does_not_know_is_found(
    tmp_path: Path, more: dict[str, Any]
) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "a"), effect(author, job, "b", **more)]
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I4"}


async def test_effects_that_go_on_after_the_next_run_began_are_found(tmp_path: Path) -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one)
    lines = [effect(author, one, "a")]
    author.pause(30)
    author.take_over(one, "w2", start=other)
    for step in ("b", "c"):
        author.pause(10)
        lines.append(effect(author, one, step, fence=1))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I5"}


async def test_effects_that_go_on_after_their_run_was_over_are_found_although_none_follows(
    tmp_path: Path,
) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "a")]
    author.end(job, EventStatus.FAILED)
    for step in ("b", "c"):
        author.pause(10)
        lines.append(effect(author, job, step))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I5"}
    assert await broken(Records(author), sink=file_of(tmp_path, *lines[:2])) == {}


async def test_a_recorded_step_that_has_an_effect_again_in_the_same_run_is_found(tmp_path: Path) -> None:
    author = Author()
    job = author.submit()
    author.start(job)
    lines = [effect(author, job, "one"), effect(author, job, "one")]
    author.step(job, "one")
    author.pause(10)
    assert await broken(Records(author), sink=file_of(tmp_path, *lines)) == {}
    lines.append(effect(author, job, "one"))
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines))) == {"I10"}


@pytest.mark.parametrize("line", ["{", '{"key": "ledger"}\n', "[]\n"])
async def test_what_is_no_ledger_is_refused(tmp_path: Path, line: str) -> None:
    sink = file_of(tmp_path, line, "\n")
    with pytest.raises(ValueError, match="line 1 of the ledger is not an effect"):
        await broken(Records(eventful()), sink=sink)
