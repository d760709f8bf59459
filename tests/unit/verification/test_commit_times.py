"""The storage's times of transactions: their order is believed, but not their digits below a millisecond."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.unit.verification.asking import broken, verdict_on
from tests.unit.verification.authored import BEGINNING, Author, eventful
from tests.unit.verification.records import Records

#: Gives the microseconds that stand below the millisecond.
Noise = Callable[[], int]


def with_commits(author: Author, transactions_a_millisecond: int, noise: Noise) -> Records:
    """Return a history whose transactions follow each other fast, in times as Azurite writes them."""
    records = Records(author)
    stored = records.partitions[author.partition]
    moments = sorted({row.committed for row in stored if row.committed is not None})
    place = {moment: number for number, moment in enumerate(moments)}

    def committed(moment: float | None) -> float:
        milliseconds = place[moment or 0.0] // transactions_a_millisecond
        return BEGINNING.timestamp() + milliseconds / 1000 + noise() / 1_000_000

    records.partitions[author.partition] = [
        replace(row, committed=committed(row.committed)) for row in stored
    ]
    return records


def falling() -> Noise:
    """Let what comes later within a millisecond look earlier."""
    left = iter(range(999, -1, -1))
    return lambda: next(left)


@pytest.mark.parametrize("transactions_a_millisecond", [1, 2, 3, 100])
@pytest.mark.parametrize("seed", range(10))
async def test_digits_below_a_millisecond_may_be_anything(transactions_a_millisecond: int, seed: int) -> None:
    noise = random.Random(seed)
    records = with_commits(eventful(), transactions_a_millisecond, lambda: noise.choice([0, 1, 500, 999]))
    verdict = await verdict_on(records)
    assert verdict.violations == []
    measured = [verdict.in_line, verdict.hand_over, *verdict.take_over.values()]
    assert all(min(of.p50, of.p95, of.p99, of.max) >= 0 for of in measured)


async def test_runs_within_one_millisecond_may_seem_to_be_in_the_wrong_order() -> None:
    assert await broken(with_commits(eventful(), 1000, falling())) == {}


@pytest.mark.parametrize(("milliseconds", "found"), [(0, set()), (2, {"I2"}), (1000, {"I2"})])
async def test_a_write_that_the_storage_took_milliseconds_after_the_next_start_is_found(
    milliseconds: int, found: set[str]
) -> None:
    author = Author()
    one, other = author.submit(), author.submit()
    author.start(one, "w1")
    author.end(one)
    author.start(other, "w2")
    author.end(other)
    records = Records(author)
    stored = records.partitions[author.partition]
    began = next(row.committed for row in stored if row.values.get("worker") == "w2" and "event|" in row.key)
    assert began is not None
    records.partitions[author.partition] = [
        replace(row, committed=began + milliseconds / 1000 + 0.000999)
        if row.key.startswith("event|") and row.values["job_id"] == one and row.values["seq"] == 4
        else row
        for row in stored
    ]
    assert set(await broken(records)) == found
