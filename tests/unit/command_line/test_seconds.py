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
        ("schedules", "put", "s", "k", "--every"),
        ("schedules", "put", "s", "k", "--misfire-after"),
        ("schedules", "put", "s", "k", "--expires-in"),
        ("verify", "--tolerance"),
        ("verify", "--patience"),
    ],
    ids=" ".join,
)
def test_what_is_no_number_of_seconds_is_refused_with_what_to_write(
    run: Run, scripted: ScriptedApi, words: tuple[str, ...], value: str
) -> None:
    done = run(*words, value)
    assert done.exit_code == 2
    assert "is not a number of seconds: write a number" in " ".join(done.output.replace("│", " ").split())
    assert not scripted.requests


@pytest.mark.parametrize("value", ["abc", "1.5", "", "-1", "99999"])
@pytest.mark.parametrize(
    "words",
    [
        ("submit", "k", "--priority"),
        ("schedules", "put", "s", "k", "--priority"),
        ("schedules", "put", "s", "k", "--misfire-limit"),
        ("locks", "set", "ledger", "--limit"),
        ("jobs", "--limit"),
        ("events", "--limit"),
        ("quarantine", "--limit"),
    ],
    ids=" ".join,
)
def test_what_is_no_whole_number_is_refused_with_its_limits(
    run: Run, scripted: ScriptedApi, words: tuple[str, ...], value: str
) -> None:
    done = run(*words, value)
    said = " ".join(done.output.replace("│", " ").split())
    assert done.exit_code == 2
    assert f"{value!r} is not a whole number, from " in said
    assert f"'{words[-1]}'" in said
    assert not scripted.requests


@pytest.mark.parametrize("option", ["--expires-in", "--timeout"])
def test_a_time_that_must_pass_is_more_than_nothing(run: Run, scripted: ScriptedApi, option: str) -> None:
    done = run("submit", "k", option, "0")
    assert done.exit_code == 2
    assert "more than 0" in done.output
    assert not scripted.requests
