"""Percentiles, medians over rounds, and ratios within a round."""

import pytest
from bench.figures import Summary, Turn, percentile, ratio


@pytest.mark.parametrize(
    ("values", "percent", "found"),
    [
        ([5.0], 50, 5.0),
        ([5.0], 99, 5.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([float(value) for value in range(1, 101)], 99, 99.0),
        ([float(value) for value in range(1, 101)], 100, 100.0),
        ([float(value) for value in range(1, 101)], 0, 1.0),
        ([1.0, 2.0], 50, 1.0),
    ],
)
def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(values, percent, found):
    assert percentile(values, percent) == found


def test_no_values_have_no_percentile():
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_a_ratio_is_the_median_of_the_ratios_of_each_round():
    # The machine was slower in two rounds: the medians of the rates are of different rounds.
    ours = Summary("ours", (Turn(1, 100.0), Turn(1, 10.0), Turn(1, 40.0)))
    theirs = Summary("theirs", (Turn(1, 200.0), Turn(1, 20.0), Turn(1, 50.0)))
    assert ratio(ours, theirs) == 0.5


def test_contestants_with_different_numbers_of_rounds_are_not_compared():
    with pytest.raises(ValueError, match="zip"):
        ratio(Summary("ours", (Turn(1, 1.0),)), Summary("theirs", (Turn(1, 1.0), Turn(1, 1.0))))


def test_processor_time_and_requests_are_per_job_and_memory_is_the_most():
    turns = (
        Turn(10, 1.0, processor={"worker": 0.1}, requests={"worker": 30.0}, memory={"worker": 2.0 * 2**20}),
        Turn(10, 1.0, processor={"worker": 0.3}, requests={"worker": 50.0}, memory={"worker": 3.0 * 2**20}),
        Turn(10, 1.0, processor={"worker": 0.2}, requests={"worker": 40.0}, memory={"worker": 1.0 * 2**20}),
    )
    summary = Summary("ours", turns)
    assert summary.processor() == {"worker": pytest.approx(20.0)}
    assert summary.requests() == {"worker": 4.0}
    assert summary.memory() == {"worker": 3.0}


def test_times_are_the_median_over_the_rounds_in_milliseconds():
    turns = (Turn(2, 1.0, gaps=(0.1, 0.3)), Turn(2, 1.0, gaps=(0.2, 0.5)), Turn(2, 1.0, gaps=(0.3, 0.9)))
    assert Summary("ours", turns).milliseconds("gaps", 50) == 200.0
    assert Summary("ours", turns).milliseconds("gaps", 99) == 500.0
    assert Summary("ours", turns).milliseconds("lags", 99) is None


def test_overlaps_and_repetitions_of_all_rounds_count():
    summary = Summary("ours", (Turn(1, 1.0, overlaps=1), Turn(1, 1.0, overlaps=2, repeated=4)))
    assert (summary.overlaps, summary.repeated) == (3, 4)
