"""What is remembered of a history is given back as it was put in."""

import pytest
from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.records import Records

from coordination.ports import CoordinationError
from verification import NothingToCheckError, Scope
from verification.scratch_database import JobFacts, Run, ScratchDatabase, SpoolError


def run_with(text: str, number: int, seconds: float | None) -> Run:
    return Run(
        text, text, number, text, number, text, text, text, text, seconds, seconds, text, ended_commit=seconds
    )


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "007", "1e3", "\U0001f512", "x" * 40_000])
def test_the_scratch_database_gives_back_what_was_put_in(text: str) -> None:
    scratch = ScratchDatabase()
    numbers = (0, -1, 2**63 - 1, -(2**63))
    facts = [
        JobFacts(
            text, f"{text}{n}", text, None, None, text, n, text, n, n, n, n, n, text, True, text, text,
            bytes(range(256)), False,
        )
        for n in numbers
    ]  # fmt: skip
    runs = [run_with(text, n, seconds) for n in numbers for seconds in (None, 0.1, 1e300)]
    for fact in facts:
        scratch.add_job(fact)
    for run in runs:
        scratch.add_run(run)
    assert [scratch.job(text, fact.job_id) for fact in facts] == facts
    assert sorted(scratch.runs(text), key=repr) == sorted(runs, key=repr)
    assert [run.fence for run in scratch.runs(text)] == sorted(run.fence for run in runs)
    assert scratch.job(f"{text} ", f"{text}0") is None
    scratch.close()


def test_a_row_that_is_there_stays_as_it_is() -> None:
    scratch = ScratchDatabase()
    for place in ("one", "other"):
        scratch.add("registered", ("job", place))
    assert list(scratch.query("SELECT * FROM registered")) == [("job", "one")]
    scratch.close()


@pytest.mark.parametrize("count", [1, 1999, 2000, 2001, 4000])
def test_every_row_is_seen_by_the_next_query(count: int) -> None:
    scratch = ScratchDatabase()
    for number in range(count):
        scratch.add("accepted", (str(number),))
        scratch.add("samples", ("p", "m", float(count - number)))
    assert scratch.count("SELECT count(*) FROM accepted") == count
    assert list(scratch.samples("m")) == [float(number) for number in range(1, count + 1)]
    scratch.execute("DELETE FROM accepted")
    assert scratch.count("SELECT count(*) FROM accepted") == 0
    scratch.close()


def test_forgetting_a_lock_forgets_all_of_it_and_nothing_of_another() -> None:
    scratch = ScratchDatabase()
    tables = ("jobs", "runs", "tickets", "samples", "steps")
    for lock in ("one", "other"):
        facts = JobFacts(
            lock, f"job of {lock}", lock, None, None, "Queued", 1, "", 0, 0, 0, 0, 0, "", False, "", "",
            b"", True,
        )  # fmt: skip
        scratch.add_job(facts)
        scratch.add_run(run_with(lock, 1, None))
        scratch.add("tickets", (lock, facts.job_id))
        scratch.add("samples", (lock, "m", 1.0))
        scratch.add("steps", (facts.job_id, "a", 1, 1, ""))
    scratch.forget("one")
    left = {table: scratch.count(f"SELECT count(*) FROM {table}") for table in tables}
    assert left == dict.fromkeys(tables, 1)
    assert scratch.job("other", "job of other") is not None
    assert [run.lock for run in scratch.runs("other")] == ["other"]
    scratch.close()


def test_a_scratch_database_that_cannot_be_written_says_so() -> None:
    scratch = ScratchDatabase()
    scratch.execute("DROP TABLE accepted")
    scratch.add("accepted", ("job",))
    with pytest.raises(SpoolError, match="cannot write the scratch database") as raised:
        scratch.count("SELECT count(*) FROM jobs")
    assert isinstance(raised.value, CoordinationError)
    scratch.close()


async def test_a_scratch_database_is_closed_with_its_verdict_or_without_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed: list[ScratchDatabase] = []

    def close(scratch: ScratchDatabase) -> None:
        closed.append(scratch)

    monkeypatch.setattr(ScratchDatabase, "close", close)
    await verdict_on(Records(eventful()))
    assert len(closed) == 1
    with pytest.raises(NothingToCheckError):
        await verdict_on(Records(eventful()), scope=Scope(("unknown",)))
    assert len(closed) == 2
