"""Real jobs in every state there is, made once for all tests."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.api import Job
from tests.e2e.dashboard.running import Dashboard, DashboardStack
from tests.e2e.journeys import Underway
from tests.e2e.stack import running as running_stack

#: Texts of jobs are data: none of this may have an effect.
HOSTILE_NAME = "<script>window.hacked=1</script> ![x](http://evil.example/x.png) **b** :red[x] =cmd() 🐙"
HOSTILE_LOCK = "<b>odd</b>/lock?a=1&b=%2F#c"

#: Entries, one a second, of the job that runs for longer than the tests do.
_MANY = 10_000


@dataclass(frozen=True)
class Gallery:
    """One job of each state."""

    #: Makes progress until it is cancelled; `waiting` are behind it, the most urgent first.
    running: Job
    waiting: list[Job]
    completed: Job
    failed: Job
    timed_out: Job
    cancelled: Job
    cancelled_in_line: Job
    #: Its runner was killed; it completed on its second attempt.
    resumed: Job
    #: Its worker was killed; another worker took over, and it completed.
    taken_over: Job
    #: Its name, its description, a property and its lock are hostile.
    hostile: Job
    #: Its result has 200 KiB.
    large: Job


def fill(stack: DashboardStack) -> Gallery:
    """Have a job reach each state. Takes about as long as a lease."""
    stack.crew(3)
    lost = _begin(stack, "ledger-2025", "Close December 2025", {"month": "2025-12", "entries": 20})
    lost.worker.signal(signal.SIGKILL)
    submit = stack.api.submit
    ended = {
        "failed": submit(
            "import-prices", "prices", {"source": "prices.pdf"}, name="Import November's prices"
        ),
        "timed_out": submit("rebuild-index", "search-index", name="Rebuild the search index"),
        "completed": submit("import-prices", "prices", {"rows": 12}, name="Import October's prices"),
        "hostile": submit(
            "import-prices", HOSTILE_LOCK, name=HOSTILE_NAME, properties={"note": HOSTILE_NAME}
        ),
        "large": submit("large-report", "reports", {"bytes": 200 * 1024}, name="Yearly report"),
        "resumed": _kill_runner(stack),
        "cancelled": _cancel(stack),
    }
    running = _begin(stack, "ledger-2026", "Close October 2026", {"entries": _MANY, "seconds": 1}).job
    waiting = [
        submit("close-month", running.lock, {"month": f"2026-{month}"}, name=name, priority=priority)
        for month, name, priority in (
            ("11", "Close November 2026, early", 1),
            ("09", "Close September 2026 again", 5),
            ("08", "Close August 2026 again", 5),
        )
    ]
    ended["cancelled_in_line"] = submit("close-month", running.lock, name="Close July 2026 again")
    ended["cancelled_in_line"].cancel()
    for job in ended.values():
        job.wait_for_end()
    lost.job.wait_for_end()
    stack.wait_until_projected([lost.job, *ended.values()])
    return Gallery(running, waiting, taken_over=lost.job, **ended)


@contextmanager
def on_show(folder: Path) -> Iterator[tuple[DashboardStack, Gallery, Dashboard]]:
    """Run a stack with the gallery and a dashboard for as long as the context lasts, outside of tests."""
    with running_stack(folder, DashboardStack) as stack:
        gallery = fill(stack)
        dashboard = stack.dashboard()
        dashboard.start()
        yield stack, gallery, dashboard


def _begin(stack: DashboardStack, lock: str, name: str, parameters: Mapping[str, Any]) -> Underway:
    """Submit a job and wait until it has booked some entries."""
    job = stack.api.submit("close-month", lock, {"seconds": 0.1, **parameters}, name=name)
    stack.sink.wait_for_effect(lock, job.id, more_than=2)
    worker = stack.worker_of(job.state()["worker"])
    return Underway(job, worker, stack.runner_of(worker, job))


def _kill_runner(stack: DashboardStack) -> Job:
    begun = _begin(stack, "payroll", "Close the payroll of October", {"entries": 10})
    begun.runner.kill()
    return begun.job


def _cancel(stack: DashboardStack) -> Job:
    job = _begin(stack, "ledger-2024", "Close the wrong year", {"entries": _MANY}).job
    job.cancel().raise_for_status()
    return job
