"""Jobs that wait for others against what ends at the same moment, in every order of their storage calls."""

from typing import Any

from tests.unit.coordination.chained import FIRST, LAST, SECOND, Chain
from tests.unit.coordination.every_order import Turns, in_every_order

from coordination.clients.cancellation import CancelTooLateError
from coordination.clients.submission import Submitted
from coordination.outcomes import Completed, Failed, RunOutcome
from coordination.ports import RefusedError

#: Only writes, and reads of rows and ranges, of the journal.
CALLS = {"journal.commit", "journal.read", "journal.read_range"}


class Race(Chain):
    """Jobs of which a test holds the locks."""

    async def finish(self, tenure: Any, job_id: str, lock: str, outcome: RunOutcome | None = None) -> None:
        """End a run and, once that is projected, settle what waits for the job."""
        await tenure.finish(outcome or Completed(), None)
        await self.retire(job_id, lock)


def turns_of(turns: Turns) -> Turns:
    turns.calls = CALLS
    return turns


async def test_a_job_ends_while_its_follower_is_submitted() -> None:
    seen: set[tuple[str, bool]] = set()

    for outcome in (Completed(), Failed("ValueError", "no")):

        async def play(turns: Turns, outcome: RunOutcome = outcome) -> None:
            race = Race()
            one = await race.submit(FIRST)
            tenure, _ = await race.hold(lock=FIRST)
            new = race.new([one])
            _, submitted = await race.race(
                turns_of(turns), race.finish(tenure, one, FIRST, outcome), race.begin(new)
            )
            assert isinstance(submitted, Submitted)
            # Nobody else has to look at it: one of the two saw the other.
            job = race.job(new.job_id, LAST)
            assert race.tickets() == ([new.job_id] if isinstance(outcome, Completed) else [])
            assert (job.status, job.waits_for_jobs) == (
                "Queued" if isinstance(outcome, Completed) else "Failed",
                False,
            )
            seen.add((job.status, bool(race.job(one, FIRST).has_followers)))
            await race.close()

        # The end at each place between the calls of the submission; what settles then has no rival.
        assert await in_every_order(play) >= 5
    assert seen == {("Queued", False), ("Queued", True), ("Failed", False), ("Failed", True)}


async def test_a_job_is_started_while_its_follower_is_submitted() -> None:
    seen: set[int] = set()

    async def play(turns: Turns) -> None:
        race = Race()
        one = await race.submit(FIRST)
        tenure = race.tenure(lock=FIRST)
        await tenure.keeper.acquire()
        new = race.new([one])
        run, _ = await race.race(turns_of(turns), tenure.take_over(lambda _: True), race.begin(new))
        if isinstance(run, RefusedError):
            # The ticket has changed since it was read. As after a cancellation, a worker tries again.
            await tenure.keeper.release()
            tenure, run = await race.hold(lock=FIRST)
        assert not isinstance(run, BaseException)
        assert race.job(one, FIRST).has_followers
        await tenure.finish(Completed(), None)
        ended = race.notifier.take_announcements()[-1]
        assert ended.recorded is not None
        assert ended.recorded.job["has_followers"]
        await race.retire(one, FIRST)
        assert race.tickets() == [new.job_id]
        seen.add(race.job(one, FIRST).attempt)
        await race.close()

    assert await in_every_order(play) > 10
    assert seen == {1}


async def test_two_jobs_end_at_the_same_time() -> None:
    seen: set[tuple[str, ...]] = set()

    async def play(turns: Turns) -> None:
        race = Race()
        one, two = await race.submit(FIRST), await race.submit(SECOND)
        follower = await race.follow([one, two])
        first, _ = await race.hold(lock=FIRST)
        second, _ = await race.hold(lock=SECOND)
        for tenure in (first, second):
            await tenure.finish(Completed(), None)
        race.notifier.take_wake_ups()
        await race.race(turns_of(turns), race.retire(one, FIRST), race.retire(two, SECOND))
        assert race.tickets() == [follower]
        assert [sent.job_id for sent in race.notifier.take_wake_ups()] == [follower]
        assert [event.status for event in race.trail(follower)] == [
            "Submitted",
            "PredecessorEnded",
            "PredecessorEnded",
        ]
        seen.add(tuple(event.message for event in race.trail(follower)[1:]))
        await race.close()

    assert await in_every_order(play) >= 20
    assert len(seen) > 1


async def test_one_completes_while_another_fails() -> None:
    async def play(turns: Turns) -> None:
        race = Race()
        one, two = await race.submit(FIRST), await race.submit(SECOND)
        follower = await race.follow([one, two])
        first, _ = await race.hold(lock=FIRST)
        second, _ = await race.hold(lock=SECOND)
        await first.finish(Completed(), None)
        await second.finish(Failed("ValueError", "no"), None)
        await race.race(turns_of(turns), race.retire(one, FIRST), race.retire(two, SECOND))
        assert race.tickets() == []
        assert race.job(follower, LAST).error_type == "PredecessorFailed"
        assert [event.status for event in race.trail(follower)][-1] == "Failed"
        await race.close()

    assert await in_every_order(play) >= 10


async def test_a_follower_is_released_or_cancelled_first() -> None:
    seen: set[tuple[str, ...]] = set()

    async def play(turns: Turns) -> None:
        race = Race()
        one = await race.submit(FIRST)
        follower = await race.follow([one])
        tenure, _ = await race.hold(lock=FIRST)
        await tenure.finish(Completed(), None)
        _, cancelled = await race.race(turns_of(turns), race.retire(one, FIRST), race.cancel(follower, LAST))
        assert not isinstance(cancelled, CancelTooLateError)
        assert race.job(follower, LAST).status == "Cancelled"
        assert race.tickets() == []
        seen.add(tuple(event.status for event in race.trail(follower)))
        await race.close()

    assert await in_every_order(play) >= 5
    assert seen == {("Submitted", "Cancelled"), ("Submitted", "PredecessorEnded", "Cancelled")}


async def test_a_follower_is_settled_by_two_at_once() -> None:
    async def play(turns: Turns) -> None:
        race = Race()
        one = await race.submit(FIRST)
        follower = await race.follow([one])
        tenure, _ = await race.hold(lock=FIRST)
        await tenure.finish(Completed(), None)
        registration = await race.register.find(follower)
        assert registration is not None
        race.notifier.take_wake_ups()
        await race.race(turns_of(turns), race.retire(one, FIRST), race.followers.settle(registration))
        assert race.tickets() == [follower]
        assert [event.status for event in race.trail(follower)] == ["Submitted", "PredecessorEnded"]
        assert len(race.notifier.take_wake_ups()) == 1
        await race.close()

    assert await in_every_order(play) >= 5
