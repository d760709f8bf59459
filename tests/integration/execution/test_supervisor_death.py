"""What becomes of runners whose supervisor is stopped or killed."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tests.integration.execution.rig import ROOT, environment, is_alive

from worker.execution.deadline_enforcer import PERIOD_SECONDS

pytestmark = pytest.mark.integration


class Host:
    """A supervisor that runs one job."""

    def __init__(self, folder, seconds, kind):
        command = [sys.executable, "-m", "tests.integration.execution.host", kind, str(folder), str(seconds)]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        )
        pids = self.line()
        self.runner, self.enforcer = pids["runner"], pids["enforcer"]
        noted = folder / "grandchild"
        self.grandchild = int(noted.read_text().split()[0]) if noted.exists() else self.runner

    def line(self):
        return json.loads(self.process.stdout.readline())

    @property
    def family(self):
        return {name: getattr(self, name) for name in ("runner", "grandchild", "enforcer")}

    def end(self):
        for pid in (*self.family.values(), self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture
def start_host(tmp_path):
    hosts = []

    def start(seconds, kind="grandchild"):
        hosts.append(Host(tmp_path, seconds, kind))
        return hosts[-1]

    yield start
    for host in hosts:
        host.end()


def wait_until_dead(pids):
    """Wait for less time than any of them would live by itself."""
    began = time.monotonic()
    while any(is_alive(pid) for pid in pids):
        assert time.monotonic() - began < 20, "still alive"
        time.sleep(0.005)


def test_a_stopped_supervisor_leaves_no_running_job_behind_its_deadline(start_host):
    host = start_host(2.0)
    os.kill(host.process.pid, signal.SIGSTOP)
    assert is_alive(host.runner)
    # Its supervisor can reap nothing while it is stopped, so the runner remains a zombie.
    wait_until_dead([host.runner, host.grandchild])
    assert is_alive(host.enforcer)
    os.kill(host.process.pid, signal.SIGCONT)
    assert host.line() == {"outcome": "Lost"}
    assert host.process.wait(10) == 0
    wait_until_dead([host.enforcer])


def test_what_a_handler_detached_dies_at_the_deadline_while_the_supervisor_stands_still(start_host, tmp_path):
    host = start_host(2.0, "detaches")
    detached = list(map(int, (tmp_path / "detached").read_text().split()))
    assert len(detached) == 2
    os.kill(host.process.pid, signal.SIGSTOP)
    assert all(map(is_alive, detached))
    wait_until_dead([host.runner, *detached])


def test_before_its_deadline_a_runner_outlives_its_supervisors_stop(start_host):
    host = start_host(60.0)
    os.kill(host.process.pid, signal.SIGSTOP)
    # Each time it goes to sleep again, the deadline enforcer has looked once.
    enforcer = psutil.Process(host.enforcer)
    looks_until = enforcer.num_ctx_switches().voluntary + 10
    while enforcer.num_ctx_switches().voluntary < looks_until:
        assert all(map(is_alive, host.family.values()))
        time.sleep(PERIOD_SECONDS / 5)


def test_a_killed_supervisor_takes_runner_grandchildren_and_deadline_enforcer_with_it(start_host):
    host = start_host(60.0)
    os.kill(host.process.pid, signal.SIGKILL)
    wait_until_dead(host.family.values())


def test_a_killed_supervisor_takes_a_runner_with_it_without_a_deadline_enforcer(start_host):
    # Its loop is blocked, so that it cannot notice by itself that nobody listens any more.
    host = start_host(60.0, "grandchild-and-blocks")
    os.kill(host.process.pid, signal.SIGSTOP)
    os.kill(host.enforcer, signal.SIGKILL)
    os.kill(host.process.pid, signal.SIGKILL)
    wait_until_dead([host.runner])


def test_a_deadline_enforcer_that_is_told_to_end_kills_nobody(start_host):
    host = start_host(60.0)
    os.kill(host.process.pid, signal.SIGSTOP)
    os.kill(host.enforcer, signal.SIGTERM)
    wait_until_dead([host.enforcer])
    assert is_alive(host.runner)
