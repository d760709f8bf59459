"""Reading what a job keeps: in one request, or in smaller ones when that fails."""

import pytest

from coordination.holder.kept_rows import read_kept_rows
from coordination.journal import rows
from coordination.ports import Row, UnknownOutcomeError


class Clock:
    """A clock on which each pause is as short as it may be."""

    def __init__(self) -> None:
        self.now = 0.0

    def boot(self) -> float:
        return self.now

    def jitter(self, low: float, high: float) -> float:
        return high

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


class Journal:
    """Holds rows of one job, and gives at most so many at once."""

    def __init__(self, count: int, most: int = 1000) -> None:
        self.rows = [Row(rows.step_key("j", number), {}, "1") for number in range(1, count + 1)]
        self.most = most
        self.asked: list[int | None] = []

    async def read_range(
        self, partition: str, prefix: str, limit: int | None = None, after: str = ""
    ) -> list[Row]:
        assert (partition, prefix) == ("p", "data|j|")
        self.asked.append(limit)
        found = [row for row in self.rows if row.key > after][:limit]
        if len(found) > self.most:
            raise UnknownOutcomeError
        return found


async def _read(journal: Journal, until: float = 60) -> list[Row]:
    return await read_kept_rows(journal, Clock(), "p", "j", until)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("count", "most", "asked"),
    [
        (0, 1000, [1000]),
        (999, 1000, [1000]),
        (1000, 1000, [1000, 1000]),
        (2500, 1000, [1000, 1000, 1000]),
        (250, 100, [1000, 100, 100, 100]),
        (25, 10, [1000, 100, 10, 10, 10]),
    ],
)
async def test_all_rows_are_read_in_order_with_few_requests(count: int, most: int, asked: list[int]) -> None:
    journal = Journal(count, most)
    assert await _read(journal) == journal.rows
    assert journal.asked == asked


async def test_a_store_that_stays_silent_is_asked_until_the_time_is_over() -> None:
    journal = Journal(25, 5)
    with pytest.raises(UnknownOutcomeError):
        await _read(journal, until=1)
    assert journal.asked[:3] == [1000, 100, 10]
