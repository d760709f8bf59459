"""Reading what an earlier job was submitted with."""

import json

import pytest

from contracts import lock_names
from coordination.clients.job_writer import JobWriter, NoSuchJobError
from coordination.clients.submission import NewJob, Submitter
from coordination.testing.memory import InMemoryJournal, InMemoryNotifier, InMemoryRegister, VirtualClock
from dashboard.reading.earlier import EarlierJob, read_earlier

ID = "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"


@pytest.mark.parametrize("text", ["short", "x" * 50_000])
async def test_everything_that_a_job_was_submitted_with_is_read(text: str) -> None:
    journal, register = InMemoryJournal(), InMemoryRegister()
    new = NewJob(
        job_id=ID,
        order="o",
        kind="k",
        lock_name=lock_names.normalise("ledger"),
        parameters=json.dumps({"text": text}),
        actor="ann",
        name="n",
        description="d",
        priority=3,
        properties='{"team": "accounts"}',
        expires_in=3600.0,
        timeout=60.0,
    )
    await Submitter(register, JobWriter(journal, InMemoryNotifier(), VirtualClock())).submit(new)
    assert await read_earlier(journal, register, ID.upper()) == EarlierJob(
        ID,
        "k",
        "ledger",
        "n",
        "d",
        3,
        {"team": "accounts"},
        {"text": text},
        {"expires_in": 3600.0, "timeout": 60.0},
    )


@pytest.mark.parametrize("job_id", ["nothing", "", ID])
async def test_an_id_without_a_job_is_not_found(job_id: str) -> None:
    with pytest.raises(NoSuchJobError):
        await read_earlier(InMemoryJournal(), InMemoryRegister(), job_id)
