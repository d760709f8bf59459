"""What is remembered of a history is given back as it was put in."""

import pytest
from tests.unit.verification.asking import verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.records import Records

from coordination.ports import CoordinationError
from verification import NothingToCheckError, Scope
from verification.spool import JobFacts, Run, Spool, SpoolError


def run_with(text: str, number: int, seconds: float | None) -> Run:
    return Run(
        text, text, number, text, number, text, text, text, text, seconds, seconds, text, ended_commit=seconds
    )


@pytest.mark.parametrize("text", ["", "\0", "a\0b", "007", "1e3", "\U0001f512", "x" * 40_000])
def test_the_spool_gives_back_what_was_put_in(text: str) -> None:
    spool = Spool()
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
        spool.add_job(fact)
    for run in runs:
        spool.add_run(run)
    assert [spool.job(text, fact.job_id) for fact in facts] == facts
    assert sorted(spool.runs(text), key=repr) == sorted(runs, key=repr)
    assert [run.fence for run in spool.runs(text)] == sorted(run.fence for run in runs)
    assert spool.job(f"{text} ", f"{text}0") is None
    spool.close()


def test_a_row_that_is_there_stays_as_it_is() -> None:
    spool = Spool()
    for place in ("one", "other"):
        spool.add("registered", ("job", place))
    assert list(spool.query("SELECT * FROM registered")) == [("job", "one")]
    spool.close()


@pytest.mark.parametrize("count", [1, 1999, 2000, 2001, 4000])
def test_every_row_is_seen_by_the_next_query(count: int) -> None:
    spool = Spool()
    for number in range(count):
        spool.add("accepted", (str(number),))
        spool.add("samples", ("p", "m", float(count - number)))
    assert spool.count("SELECT count(*) FROM accepted") == count
    assert list(spool.samples("m")) == [float(number) for number in range(1, count + 1)]
    spool.execute("DELETE FROM accepted")
    assert spool.count("SELECT count(*) FROM accepted") == 0
    spool.close()


def test_forgetting_a_lock_forgets_all_of_it_and_nothing_of_another() -> None:
    spool = Spool()
    tables = ("jobs", "runs", "tickets", "samples", "steps")
    for lock in ("one", "other"):
        facts = JobFacts(
            lock, f"job of {lock}", lock, None, None, "Queued", 1, "", 0, 0, 0, 0, 0, "", False, "", "",
            b"", True,
        )  # fmt: skip
        spool.add_job(facts)
        spool.add_run(run_with(lock, 1, None))
        spool.add("tickets", (lock, facts.job_id))
        spool.add("samples", (lock, "m", 1.0))
        spool.add("steps", (facts.job_id, "a", 1, ""))
    spool.forget("one")
    left = {table: spool.count(f"SELECT count(*) FROM {table}") for table in tables}
    assert left == dict.fromkeys(tables, 1)
    assert spool.job("other", "job of other") is not None
    assert [run.lock for run in spool.runs("other")] == ["other"]
    spool.close()


def test_a_spool_that_cannot_be_written_says_so() -> None:
    spool = Spool()
    spool.execute("DROP TABLE accepted")
    spool.add("accepted", ("job",))
    with pytest.raises(SpoolError, match="what was read cannot be kept: ") as raised:
        spool.count("SELECT count(*) FROM jobs")
    assert isinstance(raised.value, CoordinationError)
    spool.close()


async def test_a_spool_is_closed_with_its_verdict_or_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[Spool] = []

    def close(spool: Spool) -> None:
        closed.append(spool)

    monkeypatch.setattr(Spool, "close", close)
    await verdict_on(Records(eventful()))
    assert len(closed) == 1
    with pytest.raises(NothingToCheckError):
        await verdict_on(Records(eventful()), scope=Scope(("unknown",)))
    assert len(closed) == 2
