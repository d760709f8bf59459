"""The load test's web page: runs are started and stopped by hand, one after the other."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.e2e.stack import Stack
from tests.e2e.test_load import broken, load
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

_JOBS = 20
_SECONDS = 8


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Page:
    """What somebody does on the page, and what they see there."""

    def __init__(self, port: int) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)

    def is_open(self) -> bool:
        try:
            return self.client.get("/").is_success
        except httpx.TransportError:
            return False

    def start(self) -> None:
        form = {"user_count": 5, "spawn_rate": 5, "user_classes": "MixedDay"}
        answer = self.client.post("/swarm", data=form).raise_for_status().json()
        assert answer["success"], answer

    def stop(self) -> None:
        self.client.post("/stop").raise_for_status()

    def verdict(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get("/verdict/json").json()["verdict"] or {}
        return found

    def submitted(self) -> int:
        now = self.client.get("/verdict/json").json()["now"]
        return int(now["submitted"]) if now else 0


@pytest.fixture
def page(stack: Stack, tmp_path: Path) -> Iterator[Page]:
    stack.crew(2)
    stack.expected_tracebacks.append("as fail_at asks")
    port = free_port()
    words = ("--ui", "--port", f"{port}", "--jobs", f"{_JOBS}", "--time", f"{_SECONDS}s")
    process = load(stack, tmp_path, *words)
    page = Page(port)
    try:
        until(page.is_open, 60, "Locust's page")
        yield page
        process.terminate()
        process.communicate(timeout=20)
        assert not page.is_open(), "Locust outlived the command that started it"
    finally:
        page.client.close()
        process.kill()
        process.wait()


def test_a_run_that_was_stopped_by_hand_has_its_verdict_and_does_not_end_the_next(page: Page) -> None:
    assert "No run yet" in page.client.get("/verdict").text
    page.start()
    until(page.submitted, 20, "the first submission")
    page.stop()
    stopped = until(page.verdict, 60, "the verdict on what was submitted until then")
    assert stopped["figures"]["jobs_accepted"] < _JOBS
    assert broken(stopped) == []

    page.start()
    until(lambda: not page.verdict(), 20, "the next run")
    whole = until(page.verdict, 90, "its verdict")
    assert whole["figures"]["jobs_accepted"] == _JOBS, "it was let come to its end"
    assert broken(whole) == []
    assert "and some that fail: holds" in page.client.get("/verdict").text
