"""What the stack kills is what it was asked to."""

from pathlib import Path
from typing import Any

import pytest
from deploy.errors import StackError
from deploy.processes.supervision import ProcessState, Supervisor


@pytest.mark.parametrize("state", ["STOPPED", "BACKOFF"])
def test_a_program_that_is_down_is_not_killed_nor_is_anybody_else(
    state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[Any, ...]] = []
    monkeypatch.setattr("deploy.processes.supervision.os.kill", lambda *arguments: killed.append(arguments))
    supervisor = Supervisor(tmp_path)
    # supervisord names the process 0 for a program without one.
    monkeypatch.setattr(supervisor, "state", lambda name: ProcessState(name, state, 0, 0, 0))
    with pytest.raises(StackError, match="rabbitmq cannot be killed, as it does not run"):
        supervisor.kill("rabbitmq")
    assert killed == []
