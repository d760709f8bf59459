"""The thresholds' file: what is wrong in it is named by file and key."""

import pytest
from loadtest.scenario import discover
from loadtest.thresholds import DEFAULT_FILE, EVERY, ThresholdError, read_thresholds

NAMES = ("contention", "duplicates")


def test_the_file_that_comes_with_the_scenarios_can_be_used():
    found = read_thresholds(DEFAULT_FILE, list(discover()))
    assert found["contention"].jobs_per_second is not None


def test_a_scenarios_own_table_comes_before_the_one_for_all(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(
        "[every]\nsubmit_p95_seconds = 1\nhand_over_p95_seconds = 2\n[contention]\nsubmit_p95_seconds = 3\n"
    )
    found = read_thresholds(file, NAMES)
    assert (found["contention"].submit_p95_seconds, found["contention"].hand_over_p95_seconds) == (3, 2)
    assert found["duplicates"] == found[EVERY]
    assert found["duplicates"].jobs_per_second is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[contention]\nsubmissions = 1", r"\[contention\] submissions is not a threshold"),
        ("[contention]\njobs_per_second = '3'", r"\[contention\] jobs_per_second must be a number"),
        ("[contention]\njobs_per_second = -1", r"\[contention\] jobs_per_second must be a number"),
        ("[contention]\njobs_per_second = nan", r"\[contention\] jobs_per_second must be a number"),
        ("[contention]\njobs_per_second = true", r"\[contention\] jobs_per_second must be a number"),
        ("[contentoin]\njobs_per_second = 1", r"\[contentoin\] is not a scenario"),
        ("every = 1", "every must be a table"),
        ("[every", "Expected"),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ThresholdError, match=rf"mine\.toml: .*{said}"):
        read_thresholds(file, NAMES)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ThresholdError, match=r"none\.toml: cannot be read"):
        read_thresholds(tmp_path / "none.toml", NAMES)
