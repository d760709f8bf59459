"""Processes are measured from outside, each under one name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from bench.probe import Probe, processor_seconds

_BUSY = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
_PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BUSY!r}])"


@pytest.fixture
def parent():
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()
        yield process
        process.communicate(b"\n")


def _child(parent):
    (child,) = (int(pid) for pid in _children(parent.pid))
    return child


def _children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def test_a_program_has_the_time_of_its_children(parent):
    assert processor_seconds({"all": [parent.pid]})["all"] >= 0.29


def test_a_child_with_a_name_of_its_own_counts_there_alone(parent):
    found = processor_seconds({"parent": [parent.pid], "child": [_child(parent)]})
    assert found["child"] >= 0.29
    assert found["parent"] < 0.29


def test_only_what_happens_while_it_measures_counts():
    counted = {"worker": 5.0}
    probe = Probe({"self": [os.getpid()]}, lambda: dict(counted))
    counted["worker"] = 9.0
    probe.stop()
    assert probe.requests == {"worker": 4.0}
    assert 0 <= probe.processor["self"] < 5
    assert probe.memory["self"] > 2**20


def test_a_process_that_is_gone_takes_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert processor_seconds({"gone": [process.pid]}) == {"gone": 0.0}
