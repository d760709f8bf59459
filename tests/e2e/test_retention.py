"""Jobs that leave by themselves on a real installation, and one that is pinned."""

import time
from collections.abc import Iterator

import pytest
from deploy.servers import private
from tests.e2e.removing import rebuild, run_jobs, turnstile
from tests.e2e.stack import Stack
from tests.e2e.waiting import until

pytestmark = pytest.mark.e2e

#: The shortest time for which ids stay in use: nothing of a job goes earlier.
_ID_SECONDS = 60


@pytest.fixture(scope="module")
def leaving(
    rabbitmq: private.RabbitMQ, azurite: private.Azurite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack whose jobs leave as soon as may be, and whose audit trails stay."""
    times = {
        "TURNSTILE_RETENTION_SECONDS": "1",
        "TURNSTILE_ID_RETENTION_SECONDS": str(_ID_SECONDS),
    }
    stack = Stack(rabbitmq, azurite, tmp_path_factory.mktemp("leaving") / "stack", times)
    try:
        stack.start()
        yield stack
    finally:
        stack.close()


def state_of(stack: Stack, job_id: str) -> str:
    """Return the state of a job; `Removed` when the API says that it is gone."""
    answer = stack.api.client.get(f"/api/v1/jobs/{job_id}")
    return str(answer.json()["state"]) if answer.is_success else "Removed"


def test_a_job_is_archived_when_its_time_is_over_unless_it_is_pinned(leaving: Stack) -> None:
    lock = leaving.new_lock()
    kept, *gone = run_jobs(leaving, lock, 4)
    ended = time.monotonic()
    pinned = turnstile(leaving, "pin", kept, "--reason", "the auditor asks for it", "--actor", "ann")
    assert (pinned["pinned_by"], pinned["pin_reason"]) == ("ann", "the auditor asks for it")
    assert {state_of(leaving, job) for job in (kept, *gone)} == {"Present"}

    until(lambda: time.monotonic() > ended + _ID_SECONDS, 2 * _ID_SECONDS, "their time to be over")
    # Its first look comes at once, and the next one ten minutes later.
    leaving.scheduler.stop()
    leaving.scheduler.start()
    until(lambda: {state_of(leaving, job) for job in gone} == {"Archived"}, 60, "the jobs to be archived")
    assert state_of(leaving, kept) == "Present"

    told = leaving.api.client.get(f"/api/v1/jobs/{gone[0]}").json()
    assert (told["status"], told["result"], told["archived_at"] is None) == ("Completed", None, False)
    events = leaving.api.client.get(f"/api/v1/jobs/{gone[0]}/events").json()["items"]
    assert [event["status"] for event in events][-1] == "Completed"
    assert leaving.api.client.post(f"/api/v1/jobs/{gone[0]}/cancel").status_code == 410
    listed = leaving.api.client.get("/api/v1/jobs", params={"lock": lock}).json()["items"]
    assert [job["job_id"] for job in listed] == [kept]

    run_jobs(leaving, lock, 2)
    for _ in range(2):
        verdict = turnstile(leaving, "verify", "--lock", lock)
        assert verdict["holds"], verdict
        assert (verdict["removals"][0]["jobs"], verdict["removals"][0]["actor"]) == (3, "scheduler")
        rebuild(leaving)

    unpinned = turnstile(leaving, "unpin", kept, "--actor", "ann")
    assert unpinned["pinned_by"] is None
    leaving.scheduler.stop()
    leaving.scheduler.start()
    until(lambda: state_of(leaving, kept) == "Archived", 60, "the unpinned job to be archived")
