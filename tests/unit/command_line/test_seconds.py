"""Options that are numbers of seconds."""

import pytest
from tests.unit.command_line.scripted_api import Run, ScriptedApi

JOB = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-5", "abc", "", "1e400"])
@pytest.mark.parametrize(
    "words",
    [
        ("submit", "k", "--expires-in"),
        ("submit", "k", "--timeout"),
        ("submit", "k", "--cancel-grace"),
        ("result", JOB, "--wait"),
        ("drain", "w", "--timeout"),
    ],
    ids=" ".join,
)
def test_what_is_no_number_of_seconds_is_refused_with_what_to_write(
    run: Run, scripted: ScriptedApi, words: tuple[str, ...], value: str
) -> None:
    done = run(*words, value)
    assert done.exit_code == 2
    assert "is no number of seconds: write a number" in " ".join(done.output.replace("│", " ").split())
    assert not scripted.requests


@pytest.mark.parametrize("option", ["--expires-in", "--timeout"])
def test_a_time_that_must_pass_is_more_than_nothing(run: Run, scripted: ScriptedApi, option: str) -> None:
    done = run("submit", "k", option, "0")
    assert done.exit_code == 2
    assert "more than 0" in done.output
    assert not scripted.requests
