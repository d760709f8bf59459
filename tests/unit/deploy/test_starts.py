"""When `make up` gives up on a program, and what it prints."""

import json
import os

import pytest
from deploy.errors import StackError
from deploy.processes.supervision import ProcessState
from deploy.stack.containers import ContainerStack
from deploy.stack.settings import StackSettings
from deploy.stack.starts import Starts

from contracts.telemetry.log_messages import CANNOT_START


def state(name, pid, started_at=100):
    return ProcessState("worker-1", name, pid, started_at, 200)


@pytest.fixture
def log(tmp_path):
    return tmp_path / "worker-1.log"


def test_two_processes_that_ended_are_enough(log):
    starts = Starts("worker-1", log)
    seen = [state("RUNNING", 11), state("EXITED", 0), state("RUNNING", 12), state("RUNNING", 12)]
    for each in seen:
        starts.see(each)
        assert not starts.have_failed
    starts.see(state("RUNNING", 13))
    assert starts.have_failed


def test_one_process_that_gave_the_reason_is_enough(log):
    starts = Starts("worker-1", log)
    log.write_text(json.dumps({"event": CANNOT_START, "reason": "no such module"}))
    starts.see(state("RUNNING", 11))
    assert not starts.have_failed
    starts.see(state("EXITED", 0))
    assert starts.have_failed


def test_a_process_id_that_is_used_again_is_another_process(log):
    starts = Starts("worker-1", log)
    for moment in (100, 103, 106):
        starts.see(state("RUNNING", 11, moment))
    assert starts.have_failed


def test_a_program_that_ends_too_quickly_to_be_seen_is_given_up_after_three_seconds(log):
    starts = Starts("worker-1", log)
    for _ in range(30):
        starts.see(state("BACKOFF", 0))
    assert not starts.have_failed
    starts.see(state("FATAL", 0))
    assert starts.have_failed


def test_the_reason_that_the_program_gave_is_all_that_is_printed(log):
    starts = Starts("worker-1", log)
    line = {"event": CANNOT_START, "reason": "jobs module 'a' cannot be imported"}
    log.write_text(f"one\n{json.dumps(line)}\nTraceback\n")
    assert starts.complaint() == "worker-1 cannot start: jobs module 'a' cannot be imported"
    log.write_text(f"{CANNOT_START} reason=plain")
    assert starts.complaint() == f"worker-1 cannot start: {CANNOT_START} reason=plain"


def test_a_reason_of_an_earlier_start_does_not_count(log):
    log.write_text(json.dumps({"event": CANNOT_START, "reason": "earlier"}) + "\n")
    starts = Starts("worker-1", log)
    with log.open("a") as file:
        file.write("now\n")
    assert starts.complaint().endswith("\nnow")
    assert "is not ready. The end of" in starts.complaint()


def test_a_program_without_a_log_says_so(log):
    assert Starts("worker-1", log).complaint().endswith("(nothing)")


DOCKER = """#!/bin/sh
case "$2" in
  up) exit 1 ;;
  config) echo worker ;;
  logs) cat {log} ;;
esac
"""


@pytest.mark.parametrize("is_explained", [True, False])
def test_containers_that_do_not_come_up_are_explained_by_the_worker_too(
    tmp_path, log, monkeypatch, is_explained
):
    lines = ["{}", json.dumps({"event": CANNOT_START, "reason": "no such module"}), "Traceback"]
    log.write_text("\n".join(lines if is_explained else lines[::2]))
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.format(log=log))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(ContainerStack, "engine_answers", staticmethod(lambda: True))
    stack = ContainerStack(StackSettings.load(tmp_path / "none", {"TURNSTILE_DATA_FOLDER": str(tmp_path)}))
    with pytest.raises(StackError) as refused:
        stack.up()
    assert str(refused.value).endswith(" The worker cannot start: no such module") == is_explained
