"""What every implementation of the leases port does."""

import asyncio
import uuid

import pytest
from tests.conformance.stores import Store

from coordination.ports import LeaseHeldError, LeaseLostError, Leases, UnknownOutcomeError

TIMEOUT = 5.0


def new_id() -> str:
    return str(uuid.uuid4())


async def test_a_lease_that_was_never_taken_is_free(leases: Leases) -> None:
    assert await leases.is_free("lock", TIMEOUT)


async def test_a_lease_belongs_to_whoever_took_it_first(leases: Leases) -> None:
    await leases.acquire("lock", 15, new_id(), TIMEOUT)
    assert not await leases.is_free("lock", TIMEOUT)
    with pytest.raises(LeaseHeldError):
        await leases.acquire("lock", 15, new_id(), TIMEOUT)


async def test_of_many_who_come_at_once_exactly_one_gets_the_lease(leases: Leases) -> None:
    ids = [new_id() for _ in range(20)]
    results = await asyncio.gather(
        *(leases.acquire("lock", 15, lease_id, TIMEOUT) for lease_id in ids), return_exceptions=True
    )
    assert results.count(None) == 1
    assert [type(result) for result in results if result is not None] == [LeaseHeldError] * 19
    winner = ids[results.index(None)]
    await leases.renew("lock", winner, TIMEOUT)


async def test_taking_the_lease_again_under_the_same_id_succeeds(leases: Leases) -> None:
    mine = new_id()
    await leases.acquire("lock", 15, mine, TIMEOUT)
    await leases.acquire("lock", 60, mine, TIMEOUT)
    await leases.renew("lock", mine, TIMEOUT)


async def test_leases_of_different_names_know_nothing_of_each_other(leases: Leases) -> None:
    await leases.acquire("one", 15, new_id(), TIMEOUT)
    await leases.acquire("two", 15, new_id(), TIMEOUT)
    assert await leases.is_free("three", TIMEOUT)


async def test_a_lease_given_back_is_free_at_once(leases: Leases) -> None:
    mine, theirs = new_id(), new_id()
    await leases.acquire("lock", 60, mine, TIMEOUT)
    await leases.release("lock", mine, TIMEOUT)
    assert await leases.is_free("lock", TIMEOUT)
    await leases.acquire("lock", 15, theirs, TIMEOUT)
    with pytest.raises(LeaseLostError):
        await leases.renew("lock", mine, TIMEOUT)


async def test_a_lease_given_back_cannot_be_renewed(leases: Leases) -> None:
    mine = new_id()
    await leases.acquire("lock", 60, mine, TIMEOUT)
    await leases.release("lock", mine, TIMEOUT)
    with pytest.raises(LeaseLostError):
        await leases.renew("lock", mine, TIMEOUT)


async def test_giving_back_what_one_does_not_have_changes_nothing(leases: Leases) -> None:
    mine = new_id()
    await leases.release("lock", new_id(), TIMEOUT)
    await leases.acquire("lock", 60, mine, TIMEOUT)
    await leases.release("lock", new_id(), TIMEOUT)
    assert not await leases.is_free("lock", TIMEOUT)
    await leases.release("lock", mine, TIMEOUT)
    await leases.release("lock", mine, TIMEOUT)
    assert await leases.is_free("lock", TIMEOUT)


@pytest.mark.parametrize("name", ["never-taken", "held-by-another"])
async def test_a_lease_one_does_not_have_cannot_be_renewed(leases: Leases, name: str) -> None:
    await leases.acquire("held-by-another", 15, new_id(), TIMEOUT)
    with pytest.raises(LeaseLostError):
        await leases.renew(name, new_id(), TIMEOUT)


@pytest.mark.parametrize("seconds", [14.9, 60.1, 0, -1])
async def test_a_lease_lasts_fifteen_to_sixty_seconds(leases: Leases, seconds: float) -> None:
    with pytest.raises(ValueError, match="15 and 60"):
        await leases.acquire("lock", seconds, new_id(), TIMEOUT)


async def test_a_duration_between_whole_seconds_is_accepted(leases: Leases) -> None:
    await leases.acquire("lock", 22.5, new_id(), TIMEOUT)
    assert not await leases.is_free("lock", TIMEOUT)


async def test_of_many_leases_those_are_free_that_no_one_has(leases: Leases) -> None:
    names = [f"lock {number:02d}" for number in range(25)]
    ids = {name: new_id() for name in names}
    for name in names[:20]:
        await leases.acquire(name, 15, ids[name], TIMEOUT)
    for name in names[5:10]:
        await leases.release(name, ids[name], TIMEOUT)
    assert await leases.free(names, TIMEOUT) == {*names[5:10], *names[20:]}
    assert await leases.free(names[:2], TIMEOUT) == set()
    assert await leases.free([], TIMEOUT) == set()


async def test_a_lease_ends_by_itself_unless_it_is_renewed(store: Store) -> None:
    leases, mine = store.leases, new_id()
    for name in ("expires", "changes-hands", "is-renewed", "is-taken-again"):
        await leases.acquire(name, 15, mine, TIMEOUT)

    await store.let_pass(8)
    await leases.renew("is-renewed", mine, TIMEOUT)
    await leases.acquire("is-taken-again", 15, mine, TIMEOUT)
    await store.let_pass(7.6)

    assert await leases.is_free("expires", TIMEOUT)
    assert not await leases.is_free("is-renewed", TIMEOUT)
    assert not await leases.is_free("is-taken-again", TIMEOUT)
    assert await leases.free(["expires", "is-renewed", "is-taken-again"], TIMEOUT) == {"expires"}
    theirs = new_id()
    await leases.acquire("changes-hands", 15, theirs, TIMEOUT)
    with pytest.raises(LeaseLostError):
        await leases.renew("changes-hands", mine, TIMEOUT)
    await leases.release("changes-hands", mine, TIMEOUT)
    assert not await leases.is_free("changes-hands", TIMEOUT)
    await leases.renew("changes-hands", theirs, TIMEOUT)


async def test_a_lease_whose_answer_was_lost_is_taken_under_the_same_id(store: Store) -> None:
    leases, mine = store.leases, new_id()
    await leases.acquire("lock", 15, new := new_id(), TIMEOUT)
    await leases.release("lock", new, TIMEOUT)
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await leases.acquire("lock", 15, mine, TIMEOUT)
    store.lose_answers(False)
    with pytest.raises(LeaseHeldError):
        await leases.acquire("lock", 15, new_id(), TIMEOUT)
    await leases.acquire("lock", 15, mine, TIMEOUT)


async def test_calls_whose_answer_was_lost_can_be_repeated(store: Store) -> None:
    leases, mine = store.leases, new_id()
    await leases.acquire("lock", 15, mine, TIMEOUT)
    for call in (leases.renew, leases.release):
        store.lose_answers(True)
        with pytest.raises(UnknownOutcomeError):
            await call("lock", mine, TIMEOUT)
        store.lose_answers(False)
        await call("lock", mine, TIMEOUT)
    assert await leases.is_free("lock", TIMEOUT)


async def test_not_knowing_whether_a_lease_is_free_is_not_an_answer(store: Store) -> None:
    store.lose_answers(True)
    with pytest.raises(UnknownOutcomeError):
        await store.leases.is_free("lock", TIMEOUT)
    with pytest.raises(UnknownOutcomeError):
        await store.leases.free(["lock"], TIMEOUT)
