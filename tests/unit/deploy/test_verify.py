"""`make verify`: the command, with the settings of the stack of this folder."""

import subprocess
import sys

import pytest
from deploy import ROOT
from deploy.stack import verify
from deploy.stack.settings import StackSettings


def test_the_command_gets_the_words_and_the_stacks_own_storage(monkeypatch):
    became = []
    monkeypatch.setattr("os.execve", lambda *given: became.append(given))
    monkeypatch.setattr(sys, "argv", ["verify", "--json"])
    verify.main()
    ((command, words, environment),) = became
    assert command == ROOT / ".venv/bin/turnstile"
    assert words == ["turnstile", "verify", "--json"]
    storage = "TURNSTILE_STORAGE_CONNECTION_STRING"
    assert environment[storage] == StackSettings.load().for_services()[storage]
    assert "PATH" in environment


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("TURNSTILE_STORAGE_CONNECTION_STRING", "nonsense", 2),
        ("TURNSTILE_AZURITE_TABLE_PORT", "nonsense", 2),
        ("TURNSTILE_AZURITE_TABLE_PORT", "9", 5),  # nobody listens there
    ],
)
def test_its_exit_code_is_the_commands(monkeypatch, setting, value, code):
    monkeypatch.setenv(setting, value)
    command = [sys.executable, "-m", "deploy.stack.verify"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert done.stderr
    assert "Traceback" not in done.stderr
