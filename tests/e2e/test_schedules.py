"""Schedules with two schedulers, of which the one on duty stands still and wakes up late."""

import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import httpx
import psutil
import pytest
from tests.e2e.api import TERMINAL
from tests.e2e.services import Service
from tests.e2e.stack import TAKE_OVER_SECONDS, Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: Seconds between two due times.
STEP = 2


def jobs_of(stack: Stack, name: str) -> list[dict[str, Any]]:
    """Return the jobs of a schedule by due time."""
    query = {"property": f"schedule:{name}", "limit": "200"}
    found = stack.api.client.get("/api/v1/jobs", params=query).raise_for_status().json()
    assert found["next"] is None
    return sorted(found["items"], key=lambda job: job["properties"]["due_at"])


def on_duty(stack: Stack, *schedulers: Service) -> Service:
    """Return the scheduler that is on duty."""

    def leads(service: Service) -> bool:
        text = httpx.get(f"{service.url}/metrics", timeout=10).text
        return any(
            line.startswith("turnstile_scheduler_on_duty") and line.endswith(" 1.0")
            for line in text.splitlines()
        )

    leading = until(lambda: [each for each in schedulers if leads(each)], 60, "a scheduler to be on duty")
    return leading[0]


@pytest.mark.timeout(300)
def test_each_due_time_runs_once_although_the_scheduler_on_duty_stands_still_and_wakes_up(
    stack: Stack,
) -> None:
    stack.crew(2)
    other = stack._service("scheduler-2", "scheduler")
    other.launch()
    other.wait_until_ready()
    name, lock = f"s-{uuid.uuid4().hex[:8]}", stack.new_lock()
    path = f"/api/v1/schedules/{name}"
    body = {"interval": STEP, "job": {"kind": "effects", "lock": lock, "parameters": {"count": 1}}}
    frozen: list[psutil.Process] = []
    try:
        created = stack.api.client.put(path, json=body)
        assert created.status_code == httpx.codes.CREATED, created.text
        until(lambda: len(jobs_of(stack, name)) >= 3, 60, "the first jobs of the schedule")
        frozen = on_duty(stack, stack.scheduler, other).freeze()
        before = len(jobs_of(stack, name))
        until(
            lambda: len(jobs_of(stack, name)) > before + 3,
            3 * TAKE_OVER_SECONDS,
            "the other scheduler to take over",
        )
        for process in frozen:
            process.resume()
        woken = time.monotonic()
        until(lambda: time.monotonic() - woken > 5 * STEP, 60, "both schedulers to run side by side")
        deleted = stack.api.client.delete(path).raise_for_status().json()
        assert deleted["history"][0]["outcome"] == "submitted"
    finally:
        for process in frozen:
            process.resume()
        stack.api.client.delete(path)
        other.close()

    def all_have_ended() -> bool:
        return {job["status"] for job in jobs_of(stack, name)} <= TERMINAL

    until(all_have_ended, 60, "all jobs of the schedule to end")
    jobs = jobs_of(stack, name)
    assert {job["status"] for job in jobs} == {"Completed"}
    assert {job["actor"] for job in jobs} == {f"schedule:{name}"}
    due = [datetime.fromisoformat(job["properties"]["due_at"]) for job in jobs]
    # None is missing, and none is there twice.
    assert due == [due[0] + timedelta(seconds=STEP * number) for number in range(len(due))]
    assert due[0] == datetime.fromisoformat(created.json()["next"][0])
    assert len(stack.sink.effects(lock)) == len(jobs)
    trail = stack.api.client.get(f"{path}/events").raise_for_status().json()["items"]
    assert [event["action"] for event in trail] == ["created", "deleted"]
