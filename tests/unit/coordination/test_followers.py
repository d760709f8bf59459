"""Jobs that wait for the ends of others, also under other locks."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.unit.coordination.chained import FIRST, LAST, SECOND, Chain

from contracts.lock_names import partition
from contracts.policies import JobPolicy, RetryPolicy
from coordination.clients import followers
from coordination.clients.followers import UnknownPredecessorError
from coordination.clients.submission import JobExistsError
from coordination.journal import rows
from coordination.journal.removal import RemovedJob
from coordination.journal.rows import JobRow
from coordination.outcomes import Cancelled, Completed, Failed, RunOutcome, TimedOut
from coordination.ports import Replace, Transaction, UnknownOutcomeError


@pytest.fixture
async def chain() -> AsyncIterator[Chain]:
    made = Chain()
    yield made
    await made.close()


async def test_a_follower_waits_in_no_line_until_all_jobs_have_completed(chain: Chain) -> None:
    one, two = await chain.submit(FIRST), await chain.submit(SECOND)
    follower = await chain.follow([one, two])
    assert chain.notifier.take_wake_ups() == []
    job = chain.job(follower, LAST)
    assert (job.status, job.waits_for_jobs, job.predecessors) == ("Queued", True, [one, two])
    assert job.awaited == {one: FIRST, two: SECOND}
    assert chain.tickets() == []
    assert json.loads(chain.trail(follower)[0].data)["after"] == [one, two]

    await chain.run(one, FIRST)
    assert chain.job(follower, LAST).awaited == {two: SECOND}
    assert chain.tickets() == []

    await chain.run(two, SECOND)
    job = chain.job(follower, LAST)
    assert (job.status, job.waits_for_jobs, job.waits_after) == ("Queued", False, "")
    assert chain.tickets() == [follower]
    assert [(sent.lock_name, sent.job_id) for sent in chain.notifier.take_wake_ups()] == [(LAST, follower)]
    first, last = chain.trail(follower)[1:]
    assert (first.status, first.actor, first.message) == (
        "PredecessorEnded",
        "projector",
        f"job {one} completed; waits for job {two}",
    )
    assert json.loads(first.data) == {"completed": [one], "awaited": [two]}
    assert (last.message, json.loads(last.data)) == (
        f"job {two} completed; waits in line",
        {"completed": [two], "awaited": []},
    )
    await chain.run(follower, LAST)
    assert chain.job(follower, LAST).status == "Completed"


async def test_the_place_in_line_is_that_of_the_submission(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one])
    later = await chain.submit(LAST)
    assert chain.tickets() == [later]
    await chain.run(one, FIRST)
    assert chain.tickets() == [follower, later]


@pytest.mark.parametrize("outcome", [Failed("ValueError", "no"), Cancelled(), TimedOut("too long")])
async def test_where_one_has_not_completed_the_follower_fails(chain: Chain, outcome: RunOutcome) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one])
    await chain.run(one, FIRST, outcome)
    job, end = chain.job(follower, LAST), chain.job(one, FIRST).status
    reason = f"job {one}, which had to complete first, is {end}"
    assert (job.status, job.error_type, job.error_message) == ("Failed", "PredecessorFailed", reason)
    assert (job.attempt, job.finished_at) == (0, chain.trail(follower)[-1].timestamp)
    assert chain.tickets() == []
    event = chain.trail(follower)[-1]
    assert (event.status, event.message, event.actor) == ("Failed", reason, "projector")
    assert json.loads(event.data) == {
        "reason": reason,
        "predecessor": one,
        "predecessor_status": end,
        "error_type": "PredecessorFailed",
    }


async def test_a_follower_is_skipped_where_it_says_so_and_so_are_its_own_followers(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    two = await chain.follow([one], SECOND, after_failure="skip")
    three = await chain.follow([two], LAST, after_failure="skip")
    await chain.run(one, FIRST, Failed("ValueError", "no"))
    job = chain.job(two, SECOND)
    assert (job.status, job.cancel_actor, job.error_type) == ("Cancelled", "projector", "")
    assert job.cancel_reason == f"job {one}, which had to complete first, is Failed"
    await chain.retire(two, SECOND)
    assert chain.job(three, LAST).status == "Cancelled"


async def test_a_job_that_has_completed_is_not_waited_for(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    await chain.run(one, FIRST)
    follower = await chain.follow([one])
    assert chain.tickets() == [follower]
    assert len(chain.notifier.take_wake_ups()) == 1
    assert json.loads(chain.trail(follower)[0].data)["awaited"] == []


async def test_a_follower_of_a_job_that_has_failed_ends_with_its_submission(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    await chain.run(one, FIRST, Failed("ValueError", "no"))
    submitted = await chain.begin(chain.new([one]))
    assert (submitted.job.status, submitted.job.error_type) == ("Failed", "PredecessorFailed")


async def test_an_unknown_job_is_refused_and_leaves_nothing_behind(chain: Chain) -> None:
    new = chain.new(["0199a000-0000-7000-8000-000000000000"])
    with pytest.raises(UnknownPredecessorError, match="0199a000"):
        await chain.begin(new)
    assert await chain.register.find(new.job_id) is None
    assert chain.journal.partitions == {}


@pytest.mark.parametrize("outcome", [Completed(), Failed("ValueError", "no")])
async def test_a_job_that_was_removed_counts_as_it_ended(chain: Chain, outcome: RunOutcome) -> None:
    one = await chain.submit(FIRST)
    await chain.run(one, FIRST, outcome)
    stored = chain.journal.partitions[partition(FIRST)]
    row = stored[rows.job_key(one)]
    removed = RemovedJob.of(chain.job(one, FIRST), [], 1)
    await chain.journal.commit(
        partition(FIRST), Transaction("op", [Replace(row.key, removed.values(), row.etag)]), 1
    )
    submitted = await chain.begin(chain.new([one]))
    expected = "Queued" if isinstance(outcome, Completed) else "Failed"
    assert (submitted.job.status, submitted.job.waits_for_jobs) == (expected, False)
    assert chain.tickets() == ([submitted.job.job_id] if expected == "Queued" else [])


async def test_an_id_whose_submission_never_arrived_is_not_waited_for(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    stored = chain.journal.partitions[partition(FIRST)]
    row = stored[rows.job_key(one)]
    closed = JobRow(one, "", FIRST, status=JobRow.TOMBSTONE)
    await chain.journal.commit(
        partition(FIRST), Transaction("op", [Replace(row.key, closed.values(), row.etag)]), 1
    )
    with pytest.raises(UnknownPredecessorError):
        await chain.follow([one])


async def test_many_followers_of_one_job_are_all_released(
    chain: Chain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "_PAGE", 3)
    one = await chain.submit(FIRST)
    waiting = [await chain.follow([one]) for _ in range(7)]
    await chain.run(one, FIRST)
    assert chain.tickets() == waiting


async def test_failed_attempts_that_others_follow_are_no_end(chain: Chain) -> None:
    retry = RetryPolicy(attempts=2, delay=0.0)
    one = await chain.submit(FIRST, policy=JobPolicy(retry=retry))
    follower = await chain.follow([one])
    await chain.run(one, FIRST, Failed("ValueError", "no", error_classes=["ValueError"]))
    assert chain.job(follower, LAST).waits_for_jobs
    await chain.run(one, FIRST)
    assert chain.tickets() == [follower]


async def test_a_submission_is_recognised_when_what_it_waited_for_is_forgotten(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    new = chain.new([one])
    await chain.begin(new)
    await chain.register.forget(one)
    with pytest.raises(JobExistsError) as exists:
        await chain.begin(new)
    assert exists.value.same_request


async def test_a_follower_is_cancelled_while_it_waits(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one])
    job = await chain.cancel(follower, LAST)
    assert (job.status, job.cancel_actor) == ("Cancelled", "bob")
    await chain.run(one, FIRST)
    assert chain.job(follower, LAST) == job
    assert chain.tickets() == []


async def test_the_time_in_line_begins_with_the_release(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one], expires_in=60.0)
    assert chain.job(follower, LAST).expires_at is None
    await chain.clock.advance(600)
    await chain.sweep_for(4)
    assert chain.job(follower, LAST).waits_for_jobs
    await chain.run(one, FIRST)
    assert chain.job(follower, LAST).expires_at is not None
    (active,) = [job async for job in chain.register.active(chain.clock.now()) if job.job_id == follower]
    assert active.expires_at == chain.clock.now() + timedelta(seconds=60)
    await chain.sweep_for(50)
    assert chain.job(follower, LAST).status == "Queued"
    await chain.sweep_for(14)
    assert chain.job(follower, LAST).status == "Expired"


async def test_jobs_without_others_before_or_behind_them_cost_no_request_more(chain: Chain) -> None:
    chain.network.calls.clear()
    one = await chain.submit(FIRST)
    submitted = [call.name for call in chain.network.calls]
    assert submitted == ["journal.mark", "journal.register", "journal.commit", "notifier.notify"]
    await chain.run(one, FIRST)
    assert chain.job(one, FIRST).has_followers is None
    ended = [call.name for call in chain.network.calls[len(submitted) :]]
    assert ended.count("journal.commit") == 2


@pytest.mark.parametrize("status", ["waits", "runs"])
async def test_the_row_and_the_ticket_of_a_job_say_that_it_has_followers(chain: Chain, status: str) -> None:
    one = await chain.submit(FIRST)
    if status == "runs":
        tenure, _ = await chain.hold(lock=FIRST)
        followers = [await chain.follow([one]) for _ in range(3)]
        await tenure.finish(Completed(), None)
    else:
        followers = [await chain.follow([one]) for _ in range(3)]
        stored = chain.journal.partitions[partition(FIRST)]
        (ticket,) = [row for key, row in stored.items() if key.startswith(rows.TICKETS)]
        assert ticket.values["has_followers"]
        tenure, _ = await chain.hold(lock=FIRST)
        await tenure.finish(Completed(), None)
    # What the projector gets with the last event says so, too: it looks for followers of no other job.
    ended = chain.notifier.take_announcements()[-1]
    assert ended.recorded is not None
    assert (ended.job_id, ended.recorded.job["has_followers"]) == (one, True)
    await chain.retire(one, FIRST)
    assert chain.tickets() == followers


async def test_the_sweeper_releases_what_a_crash_left_waiting(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one])
    tenure, _ = await chain.hold(lock=FIRST)
    await tenure.finish(Completed(), None)
    await tenure.keeper.release()
    assert chain.tickets() == []
    await chain.sweep_for(30)
    assert chain.tickets() == [follower]
    assert chain.trail(follower)[-1].actor == "scheduler"
    assert one not in await chain.active()


async def test_a_follower_is_released_though_no_projector_runs(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    follower = await chain.follow([one])
    tenure, _ = await chain.hold(lock=FIRST)
    await tenure.finish(Completed(), None)
    for _ in range(5):
        await chain.clock.advance(2)
        await chain.sweeper.sweep()
    assert chain.tickets() == [follower]


async def test_the_sweeper_releases_a_follower_whose_submission_got_no_further(chain: Chain) -> None:
    one = await chain.submit(FIRST)
    new = chain.new([one])
    commits = 0

    async def lose(when: str, call: str) -> None:
        nonlocal commits
        commits += (when, call) == ("before", "journal.commit")
        if commits > 1:
            raise UnknownOutcomeError

    fault, chain.journal.calls.fault = chain.journal.calls.fault, lose
    submitting = chain.spawn_submission(new)
    await chain.clock.advance(30)
    assert (await submitting).job.waits_for_jobs
    chain.journal.calls.fault = fault
    assert chain.job(one, FIRST).has_followers is None
    await chain.run(one, FIRST)
    assert chain.tickets() == []
    await chain.sweep_for(30)
    assert chain.tickets() == [new.job_id]
