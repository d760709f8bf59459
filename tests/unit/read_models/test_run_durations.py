"""How long ended jobs ran under a lock."""

from datetime import timedelta

from tests.conformance.documents import NOON

from contracts import lock_names
from coordination.clock import VirtualClock
from read_models import LockRun
from read_models.memory import InMemoryReadModels
from read_models.run_durations import DurationsReader

PARTITION = lock_names.partition("ledger")


def run(
    fence: int, seconds: float, *, kind: str = "close", outcome: str = "Completed", attempt: int = 1
) -> LockRun:
    return LockRun(
        "ledger", fence, f"job-{fence}", attempt, kind=kind, outcome=outcome,
        began_at=NOON, ended_at=NOON + timedelta(seconds=seconds),
    )  # fmt: skip


async def test_whole_completed_runs_count_by_kind() -> None:
    models, clock = InMemoryReadModels(), VirtualClock()
    await models.record_lock_runs(
        PARTITION,
        [
            run(1, 10), run(2, 20), run(3, 5, kind="rerate"), run(4, 1, outcome="Failed"),
            run(5, 2, attempt=2), run(6, -3), LockRun("ledger", 7, "job-7", 1, kind="close", began_at=NOON),
        ],
    )  # fmt: skip
    found = await DurationsReader(models, clock).of_lock("ledger")
    assert {kind: sorted(seconds) for kind, seconds in found.items()} == {"close": [0, 10, 20], "rerate": [5]}


async def test_a_minute_long_the_same_answer_is_given() -> None:
    models, clock = InMemoryReadModels(), VirtualClock()
    reader = DurationsReader(models, clock)
    assert await reader.of_lock("ledger") == {}
    await models.record_lock_runs(PARTITION, [run(1, 10)])
    await clock.advance(59)
    assert await reader.of_lock("ledger") == {}
    await clock.advance(2)
    assert await reader.of_lock("ledger") == {"close": [10]}
