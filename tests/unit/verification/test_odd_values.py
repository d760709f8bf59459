"""Rows that hold anything are judged: whatever stands in them, the checker comes to a verdict."""

import math
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verification.asking import Scope, broken, verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.breaking import FIRST, rechain, running
from tests.unit.verification.records import Records

from coordination import rows
from coordination.rows import EventRow
from verification import Stored
from verification.spool import JobFacts, Run, Spool

ODD: list[Any] = [
    None,
    "",
    "\0",
    "a\ud800b",
    "7",
    "x" * 40_000,
    False,
    -1,
    2**40,
    2**63,
    2**70,
    1e30,
    math.inf,
    math.nan,
]
EVENT = [name for name in EventRow.__dataclass_fields__ if name not in {"op_id", "traceparent"}]


def name_of(value: Any) -> str:
    return repr(value)[:20]


@pytest.mark.parametrize("value", ODD, ids=name_of)
async def test_an_event_with_one_odd_value_is_found(value: Any) -> None:
    author = running()
    author.step(FIRST, "one")
    values = author.event(FIRST, 4)
    for name in EVENT:
        records = Records(author)
        stored = records.partitions[author.partition]
        place = next(n for n, row in enumerate(stored) if row.key == rows.event_key(FIRST, 4))
        stored[place] = replace(stored[place], values={**values, name: value})
        assert "I1" in await broken(records), name


@pytest.mark.parametrize("value", [None, "", "a\ud800b", "7", -1, 2**63, 1e30], ids=name_of)
async def test_a_chain_that_was_made_over_an_odd_value_comes_to_a_verdict(value: Any) -> None:
    for seq in (1, 3, 4):
        for name in sorted(set(EVENT) - {"hash", "previous_hash"}):
            author = running()
            author.step(FIRST, "one")
            author.end(FIRST)
            records = Records(author)
            author.event(FIRST, seq)[name] = value
            try:
                rechain(author, FIRST)
            except TypeError:
                continue  # no hash could be computed without it
            records.partitions[author.partition] = author.stored()
            assert (await verdict_on(records)).counts["jobs"] == 1


@pytest.mark.parametrize("value", ODD, ids=name_of)
async def test_rows_and_tickets_and_lock_rows_with_odd_values_come_to_a_verdict(value: Any) -> None:
    author = running()
    author.step(FIRST, "one")
    waiting = author.submit()
    stored = author.stored()
    odd = [({row.key}, set(row.values)) for row in stored if not row.key.startswith("event|")]
    odd += [({rows.LOCK_KEY}, {name}) for name in ("fence", "job_id", "attempt", "worker", "lock_name")]
    ticket = author.jobs[waiting].ticket_key
    odd += [({ticket, rows.job_key(waiting)}, {name}) for name in ("job_id", "priority", "order", "status")]
    for keys, names in odd:
        records = Records(author)
        records.partitions[author.partition] = [
            replace(row, values={**row.values, **dict.fromkeys(names, value)}) if row.key in keys else row
            for row in stored
        ]
        assert (await verdict_on(records)).counts["jobs"] == 2


@pytest.mark.parametrize("value", ["", "\0", "a\ud800b", "x" * 40_000], ids=name_of)
async def test_odd_keys_come_to_a_verdict(value: str) -> None:
    author = running()
    for key in (f"event|{value}|000001", f"job|{value}", f"line|ticket|{value}", f"line|{value}", value):
        records = Records(author)
        stored = records.partitions[author.partition]
        stored.append(Stored(author.partition, key, {"job_id": value, "status": "Queued"}))
        stored.sort(key=lambda row: row.key)
        await verdict_on(records)
    records = Records(author)
    records.places[value] = records.listed[value] = value
    records.told.append(replace(records.told[0], partition=value, key=value))
    await verdict_on(records)
    assert await verdict_on(records, scope=Scope(("ledger",)))


async def test_a_lock_with_an_odd_name_is_judged_like_any_other() -> None:
    author = eventful("a 'quoted' \"name\" %s ? ; -- \u4e16\u754c \U0001f512")
    assert await broken(Records(author)) == {}
    author.event(FIRST, 4)["message"] = "altered"
    assert set(await broken(Records(author))) == {"I1"}


# --- the spool ---------------------------------------------------------------------


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
