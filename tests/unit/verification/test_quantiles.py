"""A quantile is a value that was measured, and the same one whoever reports it."""

from array import array

import pytest

from verification import Percentiles, nearest_rank


@pytest.mark.parametrize(
    ("count", "share", "rank"),
    [
        (1, 0.5, 1),
        (2, 0.5, 1),
        (3, 0.5, 2),
        (20, 0.95, 19),
        (21, 0.95, 20),
        (99, 0.99, 99),
        (100, 0.99, 99),
        (300, 1.0, 300),
    ],
)
def test_a_quantile_is_the_smallest_value_that_so_large_a_share_does_not_exceed(
    count: int, share: float, rank: int
) -> None:
    values = [float(number) for number in range(1, count + 1)]
    assert nearest_rank(values, share) == rank
    assert sum(value <= rank for value in values) >= share * count > sum(value < rank for value in values)


def test_percentiles_are_of_the_nearest_rank() -> None:
    of = Percentiles.of(array("d", range(1, 101)))
    assert (of.p50, of.p95, of.p99, of.max, of.count) == (50, 95, 99, 100, 100)


def test_of_nothing_measured_all_is_zero() -> None:
    of = Percentiles.of(array("d"))
    assert (of.p50, of.p95, of.p99, of.max, of.count) == (0.0, 0.0, 0.0, 0.0, 0)
