"""What pages say otherwise than the journal is found, whichever page says it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from tests.chaos.readings import Readings

from contracts.statuses import JobStatus
from dashboard.board.snapshot import LockState, Snapshot
from dashboard.jobs_question import JobsQuestion
from read_models.documents import Overlap

#: How the journal says that three jobs ended; a fourth job, of another case, is in the lists as well.
ENDS = {"one": "Completed", "two": "Failed", "three": "Cancelled"}


def readings(
    lists: dict[str, list[str]] | None = None,
    pages: dict[str, tuple[str, str, int | None]] | None = None,
    board: Snapshot | None = None,
) -> Readings:
    """Return readings in which the lists and pages say what is given, and else the truth."""
    listed = {"Completed": ["one", "other"], "Failed": ["two"], "Cancelled": ["three"], **(lists or {})}
    shown = {job: (end, end, None) for job, end in ENDS.items()} | (pages or {})

    async def all_jobs(question: JobsQuestion, _: int) -> Any:
        (status,) = question.statuses
        return SimpleNamespace(jobs=[SimpleNamespace(job_id=job) for job in listed.get(status, [])])

    async def view(job: str) -> Any:
        status, last, broken_at = shown[job]
        event = SimpleNamespace(event=SimpleNamespace(status=last))
        return SimpleNamespace(status=status, entries=(event,), chain_broken_at=broken_at)

    async def read() -> None:
        pass

    made: Any = Readings.__new__(Readings)
    made._reader = SimpleNamespace(read=asyncio.run)
    made._jobs = SimpleNamespace(all=all_jobs)
    made._job = SimpleNamespace(view=view)
    made._board = SimpleNamespace(read=read, snapshot=board or Snapshot())
    found: Readings = made
    return found


def test_nothing_is_found_when_pages_say_what_the_journal_says() -> None:
    assert readings().contradictions(ENDS) == []


def lock_state(**values: Any) -> LockState:
    return LockState("ledger", **{"row": SimpleNamespace(job_id=""), **values})


def failed(job: str) -> Any:
    return SimpleNamespace(job_id=job, status=JobStatus.FAILED)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (readings(lists={"Failed": []}), "the list of Failed jobs lacks two"),
        (readings(lists={"Running": ["two"]}), "the list of Running jobs has two"),
        (
            readings(pages={"one": ("Running", "Completed", None)}),
            "the page of job one says Running and Completed, the journal Completed",
        ),
        (
            readings(pages={"one": ("Completed", "Step", None)}),
            "the page of job one says Completed and Step, the journal Completed",
        ),
        (
            readings(pages={"one": ("Completed", "Completed", 3)}),
            "the page of job one says that its chain is broken",
        ),
        (
            readings(board=Snapshot(locks={"ledger": lock_state(row=SimpleNamespace(job_id="one"))})),
            "the Overview says that ledger is busy",
        ),
        (
            readings(board=Snapshot(locks={"ledger": lock_state(waiting=1)})),
            "the Overview says that jobs wait for ledger",
        ),
        (
            readings(board=Snapshot(overlaps=(Overlap("ledger", 2, "one"),))),
            "the Overview says that ledger had an overlap",
        ),
        (readings(board=Snapshot(failed=(failed("one"),))), "the Overview says that job one failed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_page_says_otherwise_is_found(made: Readings, sentence: str) -> None:
    assert made.contradictions(ENDS) == [sentence]
