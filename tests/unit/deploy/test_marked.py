"""The processes that carry the mark of a folder are found and ended, and no others."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from deploy.processes.marked import MARK, belonging_to, end

# Says that it is ready, as before that it does not ignore the signal yet.
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
)


@pytest.fixture
def start(tmp_path):
    started = []

    def start(code, **environment):
        command = [sys.executable, "-c", code]
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.PIPE)
        started.append(process)
        process.stdout.readline()
        return psutil.Process(process.pid)

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_only_processes_with_the_mark_of_the_folder_belong_to_it(start, tmp_path):
    mine = start(STUBBORN, **{MARK: str(tmp_path)})
    start(STUBBORN, **{MARK: str(tmp_path / "another")})
    start(STUBBORN)
    assert belonging_to(tmp_path) == [mine]


def test_a_process_that_ignores_the_request_to_stop_is_killed_after_the_grace_period(start):
    process = start(STUBBORN)
    end([process], grace=0.1)
    assert process.wait() == -signal.SIGKILL


def test_a_stopped_process_is_continued_so_that_it_can_stop_in_order(start):
    process = start("import time; print(flush=True); time.sleep(600)")
    process.suspend()
    end([process], grace=600)
    assert process.wait() == -signal.SIGTERM


def test_a_process_that_ended_and_was_not_reaped_is_not_waited_for(start):
    process = start("print(flush=True)")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    end([process], grace=600)
    assert process.status() == psutil.STATUS_ZOMBIE
