"""The publisher's HTTP API, as a client sees it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from tests.e2e.waiting import until

TERMINAL = {"Completed", "Failed", "Cancelled", "TimedOut", "Expired"}


class Api:
    """Asks the publisher."""

    def __init__(self, url: str) -> None:
        self.client = httpx.Client(base_url=url, timeout=20)
        #: Every job submitted through this object.
        self.submitted: list[Job] = []

    def submit(self, kind: str, lock: str, parameters: dict[str, Any] | None = None, **more: Any) -> "Job":
        """Submit a job that is accepted."""
        answer = self.client.post(
            "/api/v1/jobs", json={"kind": kind, "lock": lock, "parameters": parameters or {}, **more}
        )
        assert answer.status_code == httpx.codes.ACCEPTED, (answer.status_code, answer.text)
        return self.job(answer.json()["job_id"], lock)

    def job(self, job_id: str, lock: str) -> "Job":
        """Return a job by its id."""
        job = Job(self, job_id, lock)
        self.submitted.append(job)
        return job

    def lock(self, name: str) -> dict[str, Any]:
        """Return how a lock stands."""
        answer = self.client.get(f"/api/v1/locks/{name}").raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def kinds(self) -> set[str]:
        """Return the kinds that workers have published."""
        return {kind["kind"] for kind in self.client.get("/api/v1/kinds").raise_for_status().json()["items"]}

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


@dataclass(frozen=True)
class Job:
    """A submitted job."""

    api: Api
    id: str
    lock: str

    def state(self) -> dict[str, Any]:
        """Return where the job stands."""
        found: dict[str, Any] = self.api.client.get(f"/api/v1/jobs/{self.id}").raise_for_status().json()
        return found

    def events(self) -> list[dict[str, Any]]:
        """Return the job's events in order."""
        items: list[dict[str, Any]] = (
            self.api.client.get(f"/api/v1/jobs/{self.id}/events").raise_for_status().json()["items"]
        )
        return items

    def statuses(self) -> list[str]:
        """Return what the job's events say, in order."""
        return [event["status"] for event in self.events()]

    def wait(self, condition: Callable[[dict[str, Any]], object], within: float, what: str) -> dict[str, Any]:
        """Wait until the job's state fulfils a condition; returns the state."""
        state: dict[str, Any] = {}

        def fulfilled() -> object:
            state.clear()
            state.update(self.state())
            return condition(state)

        try:
            until(fulfilled, within, f"job {self.id} {what}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{json.dumps(state, indent=1)}\n{self.statuses()}") from None
        return state

    def wait_for_end(self, within: float = 90) -> dict[str, Any]:
        """Wait until the job has ended; returns its state."""
        return self.wait(lambda state: state["status"] in TERMINAL, within, "to end")

    def wait_for_attempt(self, attempt: int = 1, within: float = 60) -> dict[str, Any]:
        """Wait until the job runs for at least the so-manieth time; returns its state."""
        return self.wait(
            lambda state: state["status"] == "Running" and state["attempt"] >= attempt,
            within,
            f"to be running for the {attempt}. time",
        )

    def cancel(self) -> httpx.Response:
        """Ask for the job to be cancelled."""
        return self.api.client.post(f"/api/v1/jobs/{self.id}/cancel")

    @contextmanager
    def stream(self, after: int = 0) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
        """Follow the job; returns names and contents of the server's messages."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        with self.api.client.stream("GET", f"/api/v1/jobs/{self.id}/stream", headers=headers) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            yield _messages(answer)


def _messages(answer: httpx.Response) -> Iterator[tuple[str, dict[str, Any]]]:
    name = ""
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)
