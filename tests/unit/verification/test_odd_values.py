"""Rows that hold anything are judged: whatever stands in them, the checker comes to a verdict."""

import math
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.verification.asking import Scope, broken, verdict_on
from tests.unit.verification.authored import eventful
from tests.unit.verification.breaking import FIRST, rechain, running
from tests.unit.verification.records import Records

from coordination.journal import rows
from coordination.journal.rows import EventRow
from verification import Stored
from verification.events import kind_and_priority, read_event

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
    odd += [({rows.lock_key()}, {name}) for name in ("fence", "job_id", "attempt", "worker", "lock_name")]
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


@pytest.mark.parametrize(("seq", "read"), [(None, 0), (7, 7), ("7", 7), (2**63 - 1, 2**63 - 1)])
def test_a_number_of_an_event_that_is_missing_is_read_as_none_that_comes_next(seq: Any, read: int) -> None:
    values = {**running().event(FIRST, 3), "seq": seq, "attempt": seq}
    event = read_event(values)
    assert (event.seq, event.attempt, event.fence) == (read, read, 1)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ('{"kind":"a","priority":0}', ("a", 0)),
        ('{"kind":"a","priority":99}', ("a", 99)),
        ('{"kind":"a","priority":100}', ("a", None)),
        ('{"kind":"a","priority":-1}', ("a", None)),
        ('{"kind":"a","priority":"5"}', ("a", None)),
        ('{"kind":5,"priority":5}', (None, 5)),
        ('{"kind":"a\\u0000"}', (None, None)),
        ("[]", (None, None)),
    ],
)
def test_what_a_submission_tells_of_its_job_is_a_kind_and_a_priority_of_two_digits(
    data: str, told: tuple[str | None, int | None]
) -> None:
    assert kind_and_priority(data) == told
