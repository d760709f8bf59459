"""What `make bench ARGS=…` measures, and when it may change the page."""

import pytest
from bench import arguments


def names(found):
    return [each.name for each in found]


def test_without_arguments_all_contestants_take_turns_at_all_but_the_large_workloads():
    asked = arguments.parse([])
    assert names(asked.workloads) == [
        "one-lock", "while-submitting", "many-locks", "submissions", "ten-steps", "idle"
    ]  # fmt: skip
    assert len(asked.contestants) == 5
    assert (asked.rounds, asked.jobs, asked.is_full) == (3, None, True)


def test_large_workloads_are_measured_on_request():
    assert names(arguments.parse(["--large"]).workloads)[-2:] == ["long-line", "long-history"]
    assert names(arguments.parse(["--only", "long-line,one-lock"]).workloads) == ["one-lock", "long-line"]


@pytest.mark.parametrize(
    "argv",
    [
        ["--quick"],
        ["--jobs", "5"],
        ["--history", "5"],
        ["--systems", "turnstile"],
        ["--workers", "3"],
        ["--clients", "4"],
    ],
    ids=" ".join,
)
def test_a_smaller_measurement_does_not_change_the_page(argv):
    assert not arguments.parse(argv).is_full


def test_contestants_keep_their_order():
    asked = arguments.parse(["--systems", "procrastinate, turnstile"])
    assert names(asked.contestants) == ["Turnstile", "procrastinate, lock"]


def test_a_quick_run_has_one_round_of_few_jobs():
    asked = arguments.parse(["--quick"])
    assert asked.rounds == 1
    assert names(asked.workloads) == ["one-lock", "many-locks"]
    assert len(arguments.parse(["--quick", "--large"]).workloads) == 8
    assert asked.jobs < 100
    assert arguments.parse(["--quick", "--jobs", "7", "--rounds", "2"]).jobs == 7


@pytest.mark.parametrize(
    "argv", [["--jobs", "0"], ["--only", "nonsense"], ["--systems", "nobody"]], ids=" ".join
)
def test_nonsense_is_refused(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        arguments.parse(argv)
    assert ended.value.code == 2
    assert argv[1] in capsys.readouterr().err
