"""Celery with a lock in Redis: `celery -A bench.programs.celery_program worker`, and a client.

Messages are acknowledged after the task, and a worker process holds one message and no more in advance. A
task waits for its lock without giving its message back, so that the order stays nearly that of submission.
"""

import os
import sys
from functools import cache
from typing import Any

import redis
from celery import Celery

from bench import handler
from bench.batch import Batch, Work
from bench.programs.client import submit_all_blocking

#: The environment variable with Redis' address.
REDIS = "BENCH_REDIS"

#: Longer than any job: a lock that expires under a running job excludes nobody.
_LOCK_SECONDS = 3600
#: Pause between two tries to get a lock.
_TRY_SECONDS = 0.01

app = Celery("bench", broker=os.environ[REDIS])  # noqa: TID251 - read when Celery's own command imports this
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_connection_retry_on_startup=True,
    broker_pool_limit=32,
)


@cache
def _redis() -> Any:
    """Return the connection of this process."""
    return redis.Redis.from_url(os.environ[REDIS])  # noqa: TID251


def run_bench(number: int, lock: str, steps: int, gate: str) -> None:
    """Note the run under the lock, and record as many steps as asked for."""
    connection = _redis()
    exclusive = connection.lock(f"lock {lock}", timeout=_LOCK_SECONDS, sleep=_TRY_SECONDS)
    # This process is the child of a worker.
    with exclusive, handler.noted(number, lock, worker=os.getppid()):
        handler.pass_gate_blocking(gate)
        for step in range(steps):
            connection.hset(f"steps {number}", str(step), "done")


bench = app.task(name="bench")(run_bench)


def submit(work: Work) -> str:
    """Submit one job."""
    return str(bench.delay(work.number, work.lock, work.steps, work.gate).id)


if __name__ == "__main__":
    submit_all_blocking(Batch.read(sys.argv[1]), submit)
