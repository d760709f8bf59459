"""An observer that a test tells of operations one by one, and what runners say of runs."""

import time
from dataclasses import replace
from typing import Any

from tests.unit.captured import Captured

from coordination import observations as seen
from coordination.call_tracing import Took
from coordination.holder.runs import Run, Stop
from coordination.journal.rows import JobRow
from coordination.outcomes import Completed
from coordination.testing.memory import InMemoryJournal
from coordination.testing.worker_directory import InMemoryWorkerDirectory
from service_defaults.storage_telemetry import TimedCall
from worker.telemetry.observer import Telemetry

LOCK = "ledger"


def job(job_id: str = "one", traceparent: str | None = None, **more: Any) -> JobRow:
    return JobRow(job_id, "ten-steps", LOCK, attempt=1, fence=7, traceparent=traceparent, **more)


class Observed:
    """An observer of operations that took so many storage calls, each named after its operation."""

    def __init__(self) -> None:
        self.telemetry = Telemetry("w1", InMemoryJournal(), InMemoryWorkerDirectory())
        self.made = 0

    async def operate(self, name: str, calls: int, *observations: seen.Observation) -> None:
        """Carry out an action, which is observed when its calls are made."""
        took = Took(time.time_ns())
        for _ in range(calls):
            self.made += 1
            took.calls.append(TimedCall(name, "ok", 1, 2))
        for observation in observations:
            is_over = isinstance(observation, seen.ActionOver)
            self.telemetry.observe(replace(observation, took=took) if is_over else observation)  # type: ignore[arg-type]

    async def begin(self, first: JobRow) -> None:
        """Take the lock, and start its first job."""
        await self.operate("acquire", 2, seen.LeaseAcquired(LOCK, 0.1))
        await self.operate("take over", 3, seen.RunStarted(first))

    async def finish(self, last: JobRow) -> None:
        """End the run, and give the lock back."""
        await self.operate("end", 1, seen.RunEnded(last, Completed()))
        await self.operate("release", 1, seen.LeaseReleased(LOCK))
        await self.operate("look", 2, seen.LockLeft(LOCK))


def beneath(captured: Captured, parent: Any) -> list[str]:
    """Return the names of the spans beneath one."""
    found = (span for span in captured.spans() if span.parent)
    return [span.name for span in found if span.parent.span_id == parent.context.span_id]


def events_of(span: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(event.name, dict(event.attributes)) for event in span.events]


def run_of(row: JobRow) -> Run:
    async def write(_: object) -> None:
        return

    return Run(
        job=row,
        fence=row.fence,
        parameters="{}",
        recorded=[],
        state=None,
        stop=Stop(),
        hard_deadline=lambda: 0.0,
        soft_deadline=lambda: 0.0,
        record_step=write,
        save_state=write,
        report=lambda *_: None,
    )


def span_data(traceparent: str, span_id: str = f"{0xAA:016x}", name: str = "load") -> dict[str, Any]:
    return {"name": name, "trace_id": traceparent.split("-")[1], "span_id": span_id, "start": 1, "end": 2}
