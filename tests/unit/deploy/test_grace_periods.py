"""What kills a worker waits for both grace periods of its jobs, and for the hand-over."""

from pathlib import Path

import pytest
import yaml
from deploy import ROOT
from deploy.errors import SettingError
from deploy.stack.containers import ContainerStack
from deploy.stack.programs import services
from deploy.stack.settings import StackSettings
from dotenv import dotenv_values


def settings(**values: str) -> StackSettings:
    given = {f"TURNSTILE_{name.upper()}": value for name, value in values.items()}
    return StackSettings.load(Path("/nonexistent"), given)


@pytest.mark.parametrize(
    ("grace", "cancel_grace", "expected"),
    [("20", "5", 35), ("20", "40", 70), ("0", "0", 10), ("0.5", "0.2", 11), ("3600", "600", 4210)],
)
def test_a_worker_is_killed_after_both_grace_periods_and_ten_seconds(grace, cancel_grace, expected):
    stack = settings(grace_seconds=grace, cancel_grace_seconds=cancel_grace)
    assert {program.stop_seconds for program in services(stack, 2, {})} == {expected}
    assert ContainerStack(stack)._environment()["TURNSTILE_STOP_SECONDS"] == str(expected)


def test_a_longer_time_for_containers_is_kept():
    stack = settings(cancel_grace_seconds="40", stop_seconds="100")
    assert ContainerStack(stack)._environment()["TURNSTILE_STOP_SECONDS"] == "100"


def test_without_make_containers_wait_as_long_as_the_defaults_need():
    expected = StackSettings.load(Path("/nonexistent"), {}).stop_seconds
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    assert compose["services"]["worker"]["stop_grace_period"] == f"${{TURNSTILE_STOP_SECONDS:-{expected}}}s"
    assert dotenv_values(ROOT / ".env.example")["TURNSTILE_STOP_SECONDS"] == str(expected)


@pytest.mark.parametrize("name", ["grace_seconds", "cancel_grace_seconds", "runner_start_seconds"])
def test_a_duration_that_is_none_is_refused_by_its_name(name):
    stack = settings(**{name: "soon"})
    with pytest.raises(
        SettingError, match=f"TURNSTILE_{name.upper()} must be a number of seconds, not 'soon'"
    ):
        _ = stack.start_seconds if "start" in name else stack.stop_seconds


def test_a_stack_waits_longer_for_readiness_than_a_runner_may_take_to_start():
    assert settings(runner_start_seconds="300").start_seconds == 360
