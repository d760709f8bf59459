"""Ingress is part of a stack that has inputs, and of no other."""

import os
from pathlib import Path

import pytest
from deploy.stack.containers import ContainerStack
from deploy.stack.programs import services
from deploy.stack.settings import StackSettings


def stack(**given: str) -> StackSettings:
    return StackSettings.load(Path(os.devnull), {f"TURNSTILE_{name}": value for name, value in given.items()})


@pytest.mark.parametrize(("given", "runs"), [({}, False), ({"INPUTS": "/etc/inputs.toml"}, True)])
def test_ingress_runs_as_a_process_where_there_are_inputs(given: dict[str, str], runs: bool) -> None:
    programs = {program.name: program for program in services(stack(**given), 1, {})}

    assert ("ingress" in programs) == runs
    if runs:
        assert list(programs["ingress"].ports.values()) == ["TURNSTILE_INGRESS_PORT"]


def test_ingress_runs_in_a_container_where_there_are_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMPOSE_PROFILES", raising=False)
    assert ContainerStack(stack())._environment()["COMPOSE_PROFILES"] == ""

    monkeypatch.setenv("COMPOSE_PROFILES", "load")
    environment = ContainerStack(stack(INPUTS="/etc/inputs.toml"))._environment()
    assert environment["COMPOSE_PROFILES"] == "load,ingress"
