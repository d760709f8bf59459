"""The harm that a scenario does: by which commands, and what is remembered of it."""

import sys
from datetime import UTC, datetime
from random import Random

import pytest
from deploy.errors import StackError
from deploy.processes.supervision import Supervisor
from loadtest import faults
from loadtest.faults import FaultError, StackFaults


@pytest.fixture
def ran(monkeypatch):
    """What was run, by its last words."""
    commands = []

    def run(*words, environment=None):
        commands.append(" ".join(words).removeprefix(f"{sys.executable} -m deploy.stack "))
        return "turnstile-worker-4\n" if "ps" in words else ""

    monkeypatch.setattr(faults, "_run", run)
    return commands


@pytest.fixture
def killed(monkeypatch):
    """The programs that were killed, and when."""
    programs = []

    def kill(_, name):
        programs.append((name, datetime.now(UTC)))
        return 4711

    monkeypatch.setattr(Supervisor, "kill", kill)
    return programs


def test_a_killed_worker_is_known_by_its_process_from_when_it_was_killed(killed):
    harm = StackFaults("native", 1, Random(1))
    harm.kill_worker()
    ((name, at),) = killed
    assert name == "worker-1"
    assert [what for _, what in harm.log] == ["killed worker-1"]
    assert harm.killed["-4711"] >= at


def test_any_worker_may_be_killed(killed):
    harm = StackFaults("native", 3, Random(1))
    for _ in range(40):
        harm.kill_worker()
    assert {name for name, _ in killed} == {f"worker-{number}" for number in (1, 2, 3)}


def test_a_container_that_was_killed_is_started_again(ran):
    StackFaults("docker", 3, Random(1)).kill_worker()
    assert ran[1:] == ["docker kill --signal KILL turnstile-worker-4", "docker start turnstile-worker-4"]


def test_a_worker_is_stopped_in_order_and_started_again(ran):
    harm = StackFaults("native", 3, Random(1))
    harm.stop_worker()
    assert ran == ["scale 2", "scale 3"]
    assert [what for _, what in harm.log] == ["stopped worker 3"]
    assert harm.killed == {}
    harm.mend()
    assert ran[2:] == ["scale 3"]


def test_the_broker_is_killed_and_comes_back(ran, killed):
    native, docker = StackFaults("native", 3, Random(1)), StackFaults("docker", 3, Random(1))
    native.restart_broker()
    docker.restart_broker()
    assert [name for name, _ in killed] == ["rabbitmq"]
    assert [words.split()[2] for words in ran] == ["kill", "up"]
    assert [what for _, what in (*native.log, *docker.log)] == ["killed RabbitMQ"] * 2


def test_the_scheduler_is_killed_and_comes_back(ran, killed):
    for runtime in ("native", "docker"):
        harm = StackFaults(runtime, 3, Random(1))
        harm.restart_scheduler()
        assert [what for _, what in harm.log] == ["killed the scheduler"]
        # No worker was killed, so that no take-over is counted.
        assert harm.killed == {}
    assert [name for name, _ in killed] == ["scheduler"]
    assert [(words.split()[2], words.split()[-1]) for words in ran] == [
        ("kill", "scheduler"), ("up", "scheduler"),
    ]  # fmt: skip


@pytest.mark.parametrize("runtime", ["native", "docker"])
def test_harm_is_done_to_the_stack_under_load_even_where_there_is_another(monkeypatch, runtime):
    told = []

    def run(*_, environment):
        told.append(environment["RUNTIME"])
        return ""

    monkeypatch.setattr(faults, "_run", run)
    StackFaults(runtime, 3, Random(1)).mend()
    assert told == [runtime]


def test_harm_that_could_not_be_done_is_said_and_not_logged(monkeypatch, tmp_path):
    monkeypatch.setenv("TURNSTILE_DATA_FOLDER", str(tmp_path))
    harm = StackFaults("native", 1, Random(1))

    def refuse(_, name):
        raise StackError(f"{name} cannot be killed")

    monkeypatch.setattr(Supervisor, "kill", refuse)
    with pytest.raises(FaultError, match="worker-1 cannot be killed"):
        harm.kill_worker()
    assert (harm.log, harm.killed) == ([], {})


def test_a_command_that_fails_says_why():
    with pytest.raises(FaultError, match="no such worker"):
        faults._run(sys.executable, "-c", "raise SystemExit('no such worker')")


def test_harm_that_takes_too_long_is_said(monkeypatch):
    monkeypatch.setattr(faults, "_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(FaultError, match="timed out"):
        faults._run(sys.executable, "-c", "import time; time.sleep(60)")
