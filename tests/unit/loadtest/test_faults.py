"""The harm that a scenario does: by which commands, and what is remembered of it."""

import sys
from datetime import UTC, datetime
from random import Random

import pytest
from loadtest import faults
from loadtest.faults import FaultError, StackFaults


@pytest.fixture
def ran(monkeypatch):
    """What was run, by its last words; it prints as the stack's commands do."""
    commands = []

    def run(*words, environment=None):
        commands.append(" ".join(words).removeprefix(f"{sys.executable} -m deploy.stack "))
        if "ps" in words:
            return "turnstile-worker-4\n"
        return "Killed worker-1 (process 4711) with SIGKILL; it will be started again.\n"

    monkeypatch.setattr(faults, "_run", run)
    return commands


def test_a_killed_worker_is_known_by_its_process(ran):
    harm = StackFaults("native", 1, Random(1))
    harm.kill_worker()
    assert ran == ["kill-worker worker-1"]
    ((at, what),) = harm.log
    assert what == "killed worker-1"
    assert harm.killed == {"-4711": at}


def test_a_worker_counts_as_killed_from_when_it_was(ran, monkeypatch):
    harm = StackFaults("native", 1, Random(1))
    killed = []

    def kill(*_):
        killed.append(datetime.now(UTC))
        return "Killed worker-1 (process 4711) with SIGKILL"

    monkeypatch.setattr(harm, "_stack", kill)
    harm.kill_worker()
    assert harm.killed["-4711"] >= killed[0]


def test_any_worker_may_be_killed(ran):
    harm = StackFaults("native", 3, Random(1))
    for _ in range(40):
        harm.kill_worker()
    assert set(ran) == {f"kill-worker worker-{number}" for number in (1, 2, 3)}


def test_a_container_that_was_killed_is_started_again(ran):
    StackFaults("docker", 3, Random(1)).kill_worker()
    assert ran[1:] == ["kill-worker turnstile-worker-4", "docker start turnstile-worker-4"]


def test_a_worker_is_stopped_in_order_and_started_again(ran):
    harm = StackFaults("native", 3, Random(1))
    harm.stop_worker()
    assert ran == ["scale 2", "scale 3"]
    assert [what for _, what in harm.log] == ["stopped worker 3"]
    assert harm.killed == {}
    harm.mend()
    assert ran[2:] == ["scale 3"]


def test_the_broker_is_killed_and_comes_back(ran, monkeypatch):
    killed = []

    class Supervisor:
        def __init__(self, data):
            pass

        def kill(self, name):
            killed.append(name)

    monkeypatch.setattr(faults, "Supervisor", Supervisor)
    native, docker = StackFaults("native", 3, Random(1)), StackFaults("docker", 3, Random(1))
    native.restart_broker()
    docker.restart_broker()
    assert killed == ["rabbitmq"]
    assert [words.split()[2] for words in ran] == ["kill", "up"]
    assert [what for _, what in (*native.log, *docker.log)] == ["killed RabbitMQ"] * 2


@pytest.mark.parametrize("runtime", ["native", "docker"])
def test_harm_is_done_to_the_stack_under_load_even_where_there_is_another(monkeypatch, runtime):
    told = []

    def run(*_, environment):
        told.append(environment["RUNTIME"])
        return ""

    monkeypatch.setattr(faults, "_run", run)
    StackFaults(runtime, 3, Random(1)).mend()
    assert told == [runtime]


def test_harm_that_could_not_be_done_is_said_and_not_logged(monkeypatch):
    harm = StackFaults("native", 1, Random(1))
    monkeypatch.setattr(
        harm, "_stack", lambda *_: faults._run(sys.executable, "-c", "raise SystemExit('no such worker')")
    )
    with pytest.raises(FaultError, match="no such worker"):
        harm.kill_worker()
    assert (harm.log, harm.killed) == ([], {})


def test_harm_that_takes_too_long_is_said(monkeypatch):
    monkeypatch.setattr(faults, "_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(FaultError, match="timed out"):
        faults._run(sys.executable, "-c", "import time; time.sleep(60)")
