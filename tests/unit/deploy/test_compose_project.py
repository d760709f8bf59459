"""Two checkouts with one compose project: neither stops nor removes what belongs to the other."""

import os
from pathlib import Path

import pytest
from deploy import ROOT
from deploy.errors import StackError
from deploy.stack.containers import ContainerStack
from deploy.stack.settings import StackSettings

DOCKER = """#!/bin/sh
shift
echo "$@" >>{calls}
[ "$1" = ps ] && cat {folders}
exit 0
"""


class Engine:
    """A Docker engine that notes what it is told, and knows the containers that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self._calls, self._folders = folder / "calls", folder / "folders"
        self._calls.touch()
        self.started_from()
        program = folder / "docker"
        program.write_text(DOCKER.format(calls=self._calls, folders=self._folders))
        program.chmod(0o755)

    def started_from(self, *folders: Path) -> None:
        """Have a container that was started from each of these folders."""
        self._folders.write_text("".join(f"{folder}\n" for folder in folders))

    @property
    def told(self) -> list[str]:
        """What it was told, except questions."""
        return [call for call in self._calls.read_text().splitlines() if not call.startswith("ps ")]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("COMPOSE_PROJECT_NAME", raising=False)
    return made


@pytest.fixture
def stack(tmp_path: Path) -> ContainerStack:
    return ContainerStack(StackSettings.load(tmp_path / "none", {"TURNSTILE_DATA_FOLDER": str(tmp_path)}))


@pytest.mark.parametrize("act", ["up", "down"])
def test_what_another_checkout_started_is_left_alone(
    engine: Engine, stack: ContainerStack, tmp_path: Path, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ContainerStack, "engine_answers", staticmethod(lambda: True))
    engine.started_from(tmp_path / "other")
    with pytest.raises(StackError) as refused:
        getattr(stack, act)()
    assert f"belong to {tmp_path / 'other'}" in str(refused.value)
    assert "set COMPOSE_PROJECT_NAME" in str(refused.value)
    with pytest.raises(StackError):
        stack.scale(1)
    with pytest.raises(StackError):
        stack.kill_worker(None)
    assert not stack.is_up()
    assert engine.told == []


def test_cleaning_leaves_another_checkouts_containers_and_data(
    engine: Engine, stack: ContainerStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "compose-project").write_text("turnstile\n")
    engine.started_from(tmp_path / "other")
    stack.remove_data()
    assert engine.told == []
    assert "stay, as this folder has not started them" in capsys.readouterr().out


def test_cleaning_leaves_data_that_another_checkout_may_have_made(
    engine: Engine, stack: ContainerStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.remove_data()
    (tmp_path / "compose-project").write_text("turnstile\n")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "another")
    stack.remove_data()
    assert engine.told == []


def test_cleaning_removes_what_this_checkout_started(
    engine: Engine, stack: ContainerStack, tmp_path: Path
) -> None:
    mark = tmp_path / "compose-project"
    mark.write_text("turnstile\n")
    stack.remove_data()
    assert engine.told == ["down --volumes --rmi local"]
    assert not mark.exists()
    # Without make, the containers tell it.
    engine.started_from(ROOT)
    stack.remove_data()
    assert engine.told == ["down --volumes --rmi local"] * 2


def test_this_checkouts_own_containers_are_stopped(engine: Engine, stack: ContainerStack) -> None:
    engine.started_from(ROOT, ROOT)
    stack.down()
    assert engine.told == ["down"]
