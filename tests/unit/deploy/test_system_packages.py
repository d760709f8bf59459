"""apt: waits for other programs that install packages, and leaves nothing behind when it is stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deploy.errors import InstallError
from deploy.install import system_packages

HOLD = """
import fcntl, sys
lock = open(sys.argv[1], "r+b")
fcntl.lockf(lock, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""
INSTALL = """
import signal
# Tests that are started with nohup ignore it, and so would what they start.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
import sys
from collections.abc import Iterator
from pathlib import Path
from deploy.install import system_packages
system_packages._LOCKS, system_packages._POLICY = (), Path(sys.argv[1])
system_packages.os.geteuid = lambda: 0
system_packages.install("a-server")
"""


class Machine:
    """A machine with an apt-get of the test's, a lock and a folder for the policy."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self.programs.mkdir()
        self.calls = folder / "calls"
        self.policy = folder / "policy-rc.d"
        self.lock = folder / "lock"
        self.lock.touch()
        self.has("apt-get", "exit 0")

    def has(self, name: str, script: str) -> None:
        """Have this program on the PATH; it notes its words first."""
        path = self.programs / name
        path.write_text(f'#!/bin/sh\necho "$@" >>{self.calls}\n{script}\n')
        path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setenv("PATH", f"{made.programs}:{os.environ['PATH']}")
    monkeypatch.setattr(system_packages, "_LOCKS", (str(tmp_path / "not there"), str(made.lock)))
    monkeypatch.setattr(system_packages, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(system_packages, "_POLICY", made.policy)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    return made


@pytest.fixture
def other(machine: Machine) -> Iterator[subprocess.Popen[str]]:
    """Another program, which installs packages until its input ends."""
    command = [sys.executable, "-c", HOLD, str(machine.lock)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_free_machine_is_not_waited_for(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    system_packages.install("a-server")
    assert "waiting" not in capsys.readouterr().out
    (call,) = machine.calls.read_text().splitlines()
    assert call.startswith("install ")
    assert "a-server" in call
    assert "DPkg::Lock::Timeout=600" in call


def test_another_installation_is_waited_for(
    machine: Machine,
    other: subprocess.Popen[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    looks = []

    def look(seconds: float) -> None:
        looks.append(seconds)
        assert not machine.calls.exists()
        if len(looks) == 3:
            other.communicate()

    monkeypatch.setattr(time, "sleep", look)
    system_packages.install("a-server")
    assert len(looks) == 3
    assert machine.calls.exists()
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "Installing a-server ...",
        "Another program installs packages at the moment; waiting for it ...",
    ]


def test_another_installation_that_does_not_end_is_named(
    machine: Machine, other: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_packages, "_PATIENCE_SECONDS", 0.05)
    with pytest.raises(InstallError, match=f"has held {machine.lock} for .* Run the command again"):
        system_packages.install("a-server")
    assert not machine.calls.exists()
    assert not machine.policy.exists()


def test_no_service_starts_while_packages_are_installed(machine: Machine) -> None:
    machine.has("apt-get", f"{machine.policy} || echo $? >>{machine.calls}")
    system_packages.install("a-server")
    assert machine.calls.read_text().splitlines()[1] == "101"
    assert not machine.policy.exists()


def test_a_policy_of_the_machine_stays(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 0\n")
    system_packages.install("a-server")
    assert machine.policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_what_a_killed_installation_left_is_removed(machine: Machine) -> None:
    machine.policy.write_text(system_packages._NO_STARTS)
    system_packages.install("a-server")
    assert not machine.policy.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_stop_lets_apt_end_and_leaves_nothing_behind(machine: Machine, tmp_path: Path, number: int) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    machine.has("apt-get", f"read line <{gate}; echo ended >>{machine.calls}")
    process = subprocess.Popen(
        [sys.executable, "-c", INSTALL, str(machine.policy)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "Installing a-server ...\n"
    # Opens when apt-get waits for what is written.
    with gate.open("w") as opened:
        assert machine.policy.exists()
        process.send_signal(number)
        assert process.stdout.readline() == "Ends as soon as the packages are installed ...\n"
        opened.write("go on\n")
    assert process.wait(30) == -number
    process.stdout.close()
    assert machine.calls.read_text().splitlines()[1:] == ["ended"]
    assert not machine.policy.exists()


@pytest.mark.parametrize(
    ("answer", "version"),
    [
        ("rabbitmq-server:\n  Installed: (none)\n  Candidate: 3.9.27-0ubuntu0.2\n", "3.9.27-0ubuntu0.2"),
        ("nodejs:\n  Installed: 1:2\n  Candidate: 1:12.22.9~dfsg\n", "12.22.9~dfsg"),
        ("x:\n  Candidate: (none)\n", ""),
        ("", ""),
    ],
)
def test_apt_says_what_it_would_install(machine: Machine, answer: str, version: str) -> None:
    machine.has("apt-cache", f"printf '{answer}'")
    assert system_packages.candidate("rabbitmq-server") == version
