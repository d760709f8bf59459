"""`make quarantine`: the command, asking the publisher of the stack of this folder."""

import subprocess
import sys

import pytest
from deploy import ROOT
from deploy.stack import quarantine


def test_the_command_gets_the_words_and_the_stacks_publisher(monkeypatch):
    became = []
    monkeypatch.setattr("os.execve", lambda *given: became.append(given))
    monkeypatch.setattr(sys, "argv", ["quarantine", "--json"])
    monkeypatch.setenv("TURNSTILE_PUBLISHER_PORT", "8123")
    quarantine.main()
    ((command, words, _),) = became
    assert command == ROOT / ".venv/bin/turnstile"
    assert words == ["turnstile", "quarantine", "--url", "http://127.0.0.1:8123", "--json"]


@pytest.mark.parametrize(("port", "code"), [("nonsense", 2), ("9", 5)])
def test_its_exit_code_is_the_commands(monkeypatch, port, code):
    monkeypatch.setenv("TURNSTILE_PUBLISHER_PORT", port)
    command = [sys.executable, "-m", "deploy.stack.quarantine"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr
