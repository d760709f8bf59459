"""turnstile workers."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Run, ScriptedApi


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat().replace("+00:00", "Z")


def worker(name: str, seen_at: str, **more: Any) -> dict[str, Any]:
    return {"worker": name, "seen_at": seen_at, "running": [], "properties": {"version": "0.1.0"}, **more}


def answer(scripted: ScriptedApi, workers: list[Any], instances: list[Any]) -> None:
    for path, items in (("workers", workers), ("instances", instances)):
        scripted.on("GET", f"/api/v1/{path}", httpx.Response(200, json={"items": items, "next": None}))


@pytest.fixture
def processes() -> list[Any]:
    return [
        worker("busy", ago(seconds=1), running=["job-1", "job-2"], stopped_at=None),
        worker("died", ago(minutes=5)),
        worker("ended", ago(minutes=5), stopped_at=ago(minutes=5)),
        worker("ended-before", ago(hours=2), stopped_at=ago(hours=2)),
        worker("died-before", ago(days=2), stopped_at=None),
    ]


@pytest.fixture
def scheduler() -> dict[str, str]:
    return {
        "service": "scheduler",
        "instance": "host\x1b-1",
        "seen_at": ago(minutes=3),
        "stopped_at": ago(minutes=3),
        "version": "0.2.0",
    }


def table(text: str) -> dict[str, list[str]]:
    lines = [line.split() for line in text.splitlines()[1:]]
    return {line[1]: [line[0], line[2], *line[5:]] for line in lines}


def test_processes_are_alive_silent_or_stopped(
    scripted: ScriptedApi, run: Run, processes: list[Any], scheduler: dict[str, str]
) -> None:
    answer(scripted, processes, [scheduler])
    result = run("workers")
    assert result.exit_code == 0
    assert table(result.stdout) == {
        "busy": ["worker", "alive", "0.1.0", "job-1", "job-2"],
        "died": ["worker", "silent", "0.1.0"],
        "ended": ["worker", "stopped", "0.1.0"],
        "host\ufffd-1": ["scheduler", "stopped", "0.2.0"],
    }


def test_those_that_are_gone_are_shown_when_asked_for(
    scripted: ScriptedApi, run: Run, processes: list[Any], scheduler: dict[str, str]
) -> None:
    answer(scripted, processes, [scheduler])
    shown = table(run("workers", "--all").stdout)
    assert len(shown) == 6
    assert (shown["ended-before"][1], shown["died-before"][1]) == ("stopped", "gone")


def test_without_processes_it_says_what_to_do(scripted: ScriptedApi, run: Run, processes: list[Any]) -> None:
    answer(scripted, [], [])
    assert run("workers").stdout == "No worker was ever heard; start one with: make up\n"
    answer(scripted, processes[3:], [])
    assert run("workers").stdout == "No process is alive; --all shows those that are gone.\n"


def test_programs_get_both_lists_as_they_are(
    scripted: ScriptedApi, run: Run, processes: list[Any], scheduler: dict[str, str]
) -> None:
    answer(scripted, processes, [scheduler])
    assert json.loads(run("workers", "--json").stdout) == {"workers": processes, "instances": [scheduler]}


def test_pools_and_properties_are_shown(scripted: ScriptedApi, run: Run) -> None:
    placed = worker("w", ago(seconds=1), pools=["gpu"], custom_properties={"machine": "premium"})
    answer(scripted, [placed], [])
    assert table(run("workers").stdout) == {"w": ["worker", "alive", "0.1.0", "gpu", "machine=premium"]}
