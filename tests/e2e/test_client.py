"""The client library against a real publisher and real workers: one list of tests for both clients."""

import asyncio
import functools
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from deploy import ROOT
from pydantic import BaseModel
from tests.e2e.stack import Stack
from tests.e2e.waiting import until
from tests.unit.client.both import Blocking

from contracts.following import ProgressReport
from contracts.jobs import Event
from turnstile import AsyncClient, Client
from turnstile.client import (
    CancelledError,
    ConflictError,
    FailedError,
    NotEndedError,
    NotFoundError,
    RefusedError,
)

pytestmark = pytest.mark.e2e

Connect = Callable[[str], Any]


def connect_async(runner: asyncio.Runner, url: str) -> Blocking:
    return Blocking(AsyncClient(url, actor="maria"), runner)


@pytest.fixture(params=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    if request.param == "sync":
        yield functools.partial(Client, actor="maria")
        return
    with asyncio.Runner() as runner:
        yield functools.partial(connect_async, runner)


@pytest.fixture(autouse=True)
def workers(stack: Stack) -> None:
    stack.crew(2)


@pytest.fixture
def client(stack: Stack, connect: Connect) -> Iterator[Any]:
    found = connect(stack.publisher.url)
    yield found
    found.close()


class Done(BaseModel):
    """What the job `effects` returns."""

    effects: int
    done_before: int


def test_a_result_is_of_the_type_that_was_asked_for(stack: Stack, client: Any) -> None:
    accepted = client.submit("effects", {"count": 2}, lock=stack.new_lock(), properties={"team": "a"})
    assert client.result(accepted, as_=Done, timeout=60) == Done(effects=2, done_before=0)
    job = client.job(accepted)
    assert (job.status, job.properties, job.result["effects"]) == ("Completed", {"team": "a"}, 2)
    assert client.wait(accepted) == job
    submitted, *_ = client.events(accepted)
    assert submitted.actor == "maria"


def test_a_job_that_fails_raises_why(stack: Stack, client: Any) -> None:
    stack.expected_tracebacks.append("RuntimeError: out of order")
    accepted = client.submit("raises", lock=stack.new_lock())
    with pytest.raises(FailedError, match="RuntimeError: out of order") as caught:
        client.result(accepted, timeout=60)
    assert (caught.value.error.type, caught.value.trace_id is not None) == ("RuntimeError", True)
    assert client.wait(accepted).status == "Failed"


def test_a_running_job_is_not_ended_until_it_is_cancelled(stack: Stack, client: Any) -> None:
    accepted = client.submit("ten-steps", {"steps": 100, "seconds": 0.2}, lock=stack.new_lock())
    with pytest.raises(NotEndedError):
        client.result(accepted, timeout=1)
    client.cancel(accepted, "wrong month")
    with pytest.raises(CancelledError, match="wrong month"):
        client.result(accepted, timeout=60)
    with pytest.raises(ConflictError) as caught:
        client.cancel(accepted)
    assert caught.value.type == "cancel_too_late"


def test_a_repeated_submission_finds_its_job(stack: Stack, client: Any) -> None:
    lock = stack.new_lock()
    first = client.submit("nothing", lock=lock)
    again = client.submit("nothing", lock=lock, job_id=first.job_id)
    assert again.job_id == first.job_id
    with pytest.raises(ConflictError):
        client.submit("nothing", lock=stack.new_lock(), job_id=first.job_id)


def test_what_is_wrong_is_named(client: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        client.submit("ten-steps", {"steps": 0})
    assert list(caught.value.fields) == ["parameters.steps"]
    with pytest.raises(NotFoundError):
        client.result("018f6c3e-7b1a-7c4e-9d3a-000000000000")
    assert "ten-steps" in {kind.kind for kind in client.kinds()}


def test_many_jobs_are_submitted_and_each_has_its_answer(stack: Stack, client: Any) -> None:
    lock = stack.new_lock()
    jobs = [{"kind": "nothing", "lock": lock}] * 20 + [{"kind": "no-such-kind"}]
    items = client.submit_many(jobs)
    assert [item.status for item in items] == [202] * 20 + [422]
    assert client.wait(items[19].job, timeout=90).status == "Completed"


def test_a_stream_goes_on_after_the_publisher_was_killed(stack: Stack, client: Any) -> None:
    accepted = client.submit("ten-steps", {"steps": 15, "seconds": 0.2}, lock=stack.new_lock())
    events: list[Event] = []
    reports: list[ProgressReport] = []
    for each in client.stream(accepted):
        if isinstance(each, Event):
            events.append(each)
            if each.status == "Started":
                stack.publisher.kill()
                stack.publisher.launch()
        else:
            reports.append(each)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert events[-1].status == "Completed"
    assert reports[-1].status == "Completed"


def test_a_wait_goes_on_after_the_publisher_was_killed(stack: Stack, connect: Connect) -> None:
    client = connect(stack.publisher.url)
    accepted = client.submit("ten-steps", {"steps": 10, "seconds": 0.3}, lock=stack.new_lock())
    until(lambda: client.job(accepted).status == "Running", 30, "the job to run")
    stack.publisher.kill()
    stack.publisher.launch()
    assert client.wait(accepted, timeout=60).status == "Completed"
    client.close()


def test_the_example_of_the_documentation_works(stack: Stack) -> None:
    (example,) = re.findall(
        r"<!-- tested -->\n```python\n(.*?)```\n", (ROOT / "docs/client.md").read_text(), re.DOTALL
    )
    done = subprocess.run(
        [sys.executable, "-c", example, stack.publisher.url], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "steps=3\n", "")
