"""One message in the hands of two instances at the same moment, in every order of their storage calls."""

from tests.unit.coordination.every_order import Turns, in_every_order
from tests.unit.inputs.post import Post, configured

from inputs.mapping import RefusedError
from inputs.message_submission import Taken
from inputs.port import Delivery

#: Of the id and of its job. Marks of the register take no turns, or there would be too many orders.
_CALLS = frozenset({"journal.register", "journal.find", "journal.read", "journal.commit"})


def message(tenant: str) -> Delivery:
    return Delivery(body=f'{{"tenant": "{tenant}"}}'.encode(), handle=None, message_id="m-1")


async def after(*tenants: str, lock: str = "one") -> list[tuple[Post, list[object]]]:
    """Let each message be submitted by an instance of its own, in every order; return what came of each."""
    ends: list[tuple[Post, list[object]]] = []

    async def play(turns: Turns) -> None:
        post = Post()
        await post.kinds.all()
        turns.calls = _CALLS
        post.journal.calls.fault = post.register.calls.fault = turns
        of = configured(job={"kind": "import-order", "lock": lock})
        acts = (post.submission(of).submit(message(tenant)) for tenant in tenants)
        ends.append((post, list(await turns.play(*acts))))

    await in_every_order(play)
    return ends


async def test_one_message_is_one_job_which_both_find() -> None:
    for post, outcomes in await after("acme", "acme"):
        taken = [end for end in outcomes if isinstance(end, Taken)]
        assert len(taken) == 2, outcomes
        assert {each.job_id for each in taken} == {job.job_id for job in post.jobs()}
        assert len(post.jobs()) == 1


async def test_of_two_messages_with_one_id_one_is_a_job_and_the_other_is_refused() -> None:
    for post, outcomes in await after("acme", "other"):
        assert len(post.jobs()) == 1
        assert [type(end) for end in outcomes if not isinstance(end, Taken)] == [RefusedError], outcomes
