"""I3: accepted ids and the register against the journal."""

from pathlib import Path

import pytest
from tests.unit.verification.asking import Scope, broken, file_of, the_violation, verdict_on
from tests.unit.verification.authored import Author, eventful, job_id
from tests.unit.verification.breaking import FIRST, SECOND, running
from tests.unit.verification.records import Records, told_of

from verification import Place, checking, register


async def test_an_accepted_job_that_ended_after_the_journal_was_read_has_its_end(tmp_path: Path) -> None:
    author = running()
    before = author.stored()
    author.end(FIRST)

    class Reading(Records):
        async def find(self, job_id: str) -> Place | None:
            self.partitions[author.partition] = author.stored()
            return await super().find(job_id)

    records = Reading(author)
    records.partitions[author.partition] = before
    records.told = told_of(before)
    records.listed[FIRST] = author.partition
    assert await broken(records, accepted=file_of(tmp_path, f"{FIRST}\n")) == {}


async def test_an_accepted_job_is_found_out_of_the_scope_and_in_any_spelling(tmp_path: Path) -> None:
    author, other = eventful(), eventful("other", first_number=50)
    accepted = file_of(tmp_path, "\n", f"  {FIRST.upper()}\n", "  \n", f"{job_id(50)}\n", FIRST)
    records = Records(author, other)
    assert await broken(records, accepted=accepted, scope=Scope(("ledger",))) == {}
    verdict = await verdict_on(records, accepted=accepted)
    assert verdict.counts["accepted"] == 2


@pytest.mark.parametrize(
    ("kind", "message", "lock"),
    [
        ("waits", "it was accepted, but has no terminal record: it is Queued", "ledger"),
        ("runs", "it was accepted, but has no terminal record: it is Running", "ledger"),
        ("unknown", "it was accepted, but is not in the journal", None),
        ("registered", "it was accepted, but is not in the journal", None),
    ],
)
async def test_an_accepted_job_without_an_end_is_named(
    tmp_path: Path, kind: str, message: str, lock: str | None
) -> None:
    author = Author()
    job = author.submit()
    if kind == "runs":
        author.start(job)
    records = Records(author)
    asked = job if lock else job_id(4711)
    if kind == "registered":
        records.places[asked] = records.listed[asked] = author.partition
    violation = await the_violation(records, accepted=file_of(tmp_path, f"{asked}\n"))
    assert (violation.invariant.value, violation.message) == ("I3", message)
    assert (violation.lock, violation.job_id) == (lock, asked)


async def test_of_very_many_accepted_jobs_without_an_end_the_number_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(register, "_MOST_READ_AGAIN", 18)
    ids = [f"{job_id(number)}\n" for number in range(100, 119)]
    found = (await broken(Records(eventful()), accepted=file_of(tmp_path, *ids)))["I3"]
    assert (len(found), found[-1]) == (19, "1 more accepted jobs had no terminal record")
    assert len((await broken(Records(eventful()), accepted=file_of(tmp_path, *ids[1:])))["I3"]) == 18


async def test_a_file_that_is_no_text_is_read_line_by_line_all_the_same(tmp_path: Path) -> None:
    accepted = tmp_path / "ids"
    accepted.write_bytes(f"{FIRST}\n\xff\n".encode("latin-1"))
    violation = await the_violation(Records(eventful()), accepted=accepted)
    assert violation.message.startswith("an accepted id is not a job id: '\ufffd'")


@pytest.mark.parametrize(("few", "looks_up"), [(4, False), (5, True)])
async def test_up_to_a_few_jobs_of_chosen_locks_are_looked_up_one_by_one(
    few: int, looks_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_FEW_JOBS", few)
    asked: list[str] = []

    class Asked(Records):
        async def find(self, job_id: str) -> Place | None:
            asked.append(job_id)
            return await super().find(job_id)

    assert await broken(Asked(eventful()), scope=Scope(("ledger",))) == {}
    assert sorted(asked) == ([job_id(number) for number in range(1, 6)] if looks_up else [])
    asked.clear()
    assert await broken(Asked(eventful())) == {}
    assert asked == [], "of all locks, the whole register is read"


@pytest.mark.parametrize("scope", [Scope(), Scope(("ledger",))])
@pytest.mark.parametrize(
    ("place", "message"),
    [(None, "it is not in the register"), ("elsewhere", "it is registered under partition elsewhere")],
)
async def test_a_job_that_is_not_registered_where_it_lives_is_named(
    scope: Scope, place: str | None, message: str
) -> None:
    records = Records(eventful())
    del records.places[SECOND]
    if place is not None:
        records.places[SECOND] = place
    violation = await the_violation(records, scope=scope)
    assert (violation.invariant.value, violation.message) == ("I3", message)
    assert (violation.lock, violation.job_id) == ("ledger", SECOND)


async def test_a_job_under_two_locks_is_found_under_the_one_where_it_is_not_registered() -> None:
    records = Records(eventful("other"), eventful())
    found = [each for each in (await verdict_on(records)).violations if each.invariant.value == "I3"]
    assert {(each.lock, each.job_id) for each in found} == {
        ("other", job_id(number)) for number in range(1, 6)
    }
