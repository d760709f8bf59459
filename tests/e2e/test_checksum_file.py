"""The sample job on real files: the right digest, also when its runner is killed on the way."""

import hashlib
import random

import pytest
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

CHUNK = 256 * 1024


def test_an_interrupted_checksum_goes_on_behind_its_last_chunk_and_is_right(stack: Stack) -> None:
    (worker,) = stack.crew(1)
    content = random.Random(7).randbytes(10 * CHUNK + 17)
    (stack.inputs / "interrupted.bin").write_bytes(content)
    job = stack.api.submit(
        "checksum-file",
        stack.new_lock(),
        {"path": "interrupted.bin", "chunk_bytes": CHUNK, "pause_ms": 150},
    )
    until(lambda: job.statuses().count("Step") >= 3, 15, "some chunks to be done")
    (runner,) = worker.runners()
    runner.kill()
    state = job.wait_for_end()
    assert (state["status"], state["attempt"]) == ("Completed", 2)
    assert state["result"] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
        "lines": content.count(b"\n"),
        "chunks": 11,
    }
    assert state["progress"] == {"value": len(content), "limit": len(content)}
    events = job.events()
    steps = [event["message"] for event in events if event["status"] == "Step"]
    assert len(steps) == len(set(steps)) == 11
    assert {event["attempt"] for event in events if event["status"] == "Step"} == {1, 2}


@pytest.mark.parametrize("path", ["../outside.bin", "/etc/passwd", "missing.bin"])
def test_a_file_that_may_not_or_cannot_be_read_fails_the_job_with_that_reason(
    stack: Stack, path: str
) -> None:
    stack.crew(1)
    (stack.folder / "outside.bin").write_bytes(b"secret")
    state = stack.api.submit("checksum-file", stack.new_lock(), {"path": path}).wait_for_end()
    assert state["status"] == "Failed"
    assert path.rpartition("/")[2] in state["error"]["message"]
    assert state["attempt"] == 1
