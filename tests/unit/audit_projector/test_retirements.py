"""Jobs that are over are taken off the active ones together, and each caller hears of its own."""

import asyncio

import pytest

from audit_projector.retirements import Retirements
from coordination.ports import DueRemoval, UnknownOutcomeError


class Register:
    """Keeps who is retired, in which turn of the event loop; some fail, and some never end."""

    def __init__(self) -> None:
        self.retired: list[str] = []
        self.failing: set[str] = set()
        self.is_asked = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def retire(self, job_id: str, *, removal: DueRemoval | None = None) -> None:
        self.retired.append(job_id)
        self.is_asked.set()
        await self.goes_on.wait()
        if job_id in self.failing:
            raise UnknownOutcomeError(job_id)


async def test_jobs_wait_for_each_other_and_are_retired_at_once() -> None:
    register = Register()
    register.goes_on.clear()
    retirements = Retirements(register, 0.01)
    jobs = [str(number) for number in range(5)]
    retiring = [asyncio.create_task(retirements.retire(job)) for job in jobs]
    await register.is_asked.wait()
    await asyncio.sleep(0)
    assert register.retired == jobs
    assert not any(task.done() for task in retiring)
    register.goes_on.set()
    await asyncio.gather(*retiring)
    await retirements.retire("later")
    assert register.retired == [*jobs, "later"]
    await asyncio.sleep(0)
    assert not retirements._rounds


async def test_one_that_fails_fails_alone() -> None:
    register = Register()
    register.failing = {"b"}
    retirements = Retirements(register, 0)
    outcomes = await asyncio.gather(*map(retirements.retire, "abc"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), UnknownOutcomeError, type(None)]


async def test_a_caller_that_is_cancelled_keeps_no_other_waiting() -> None:
    register = Register()
    register.failing = {"a"}
    retirements = Retirements(register, 0.01)
    first, second = (asyncio.create_task(retirements.retire(job)) for job in "ab")
    await asyncio.sleep(0)
    first.cancel()
    await second
    assert first.cancelled()


@pytest.mark.parametrize("is_asked", [False, True])
async def test_nobody_waits_for_a_round_that_was_ended(*, is_asked: bool) -> None:
    register = Register()
    register.goes_on.clear()
    retirements = Retirements(register, 0.0 if is_asked else 30.0)
    retiring = asyncio.create_task(retirements.retire("a"))
    await asyncio.sleep(0)
    if is_asked:
        await register.is_asked.wait()
    for task in retirements._rounds:
        task.cancel()
    with pytest.raises(UnknownOutcomeError):
        await retiring
    register.goes_on.set()
    retirements._gather_seconds = 0.0
    await retirements.retire("b")
    assert register.retired[-1] == "b"
