"""Procrastinate: `python -m bench.programs.procrastinate_program schema|history JOBS|worker|client BATCH`.

Jobs have a lock, finished jobs stay in the table, and workers listen for notifications.
"""

import asyncio
import os
import sys

import psycopg

from bench.batch import Batch, Work
from bench.programs.client import submit_all
from bench.programs.procrastinate_app import CHECKPOINTS, DATABASE, app, with_task

#: A worker needs one for notifications, one for heartbeats, and up to two for its job.
_WORKER_CONNECTIONS = 4

_HISTORY = """
WITH jobs AS (
    INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status, attempts)
    SELECT 'default', 'bench', 'history ' || n %% 100, jsonb_build_object('number', -n), 'succeeded', 1
    FROM generate_series(1, %s) AS n RETURNING id
)
INSERT INTO procrastinate_events (job_id, type)
SELECT id, unnest(ARRAY['deferred', 'started', 'succeeded']::procrastinate_job_event_type[]) FROM jobs
"""


async def schema() -> None:
    """Make the tables."""
    async with app(1).open_async() as opened:
        await opened.schema_manager.apply_schema_async()
        await opened.connector.execute_query_async(CHECKPOINTS)


def history(jobs: int) -> None:
    """Write finished jobs and their events, as if they had been submitted and run."""
    with psycopg.connect(os.environ[DATABASE], autocommit=True) as connection:  # noqa: TID251
        connection.execute(_HISTORY, (jobs,))
        for table in ("procrastinate_jobs", "procrastinate_events"):
            connection.execute(f"VACUUM ANALYZE {table}")


async def work() -> None:
    """Run jobs until the process is asked to stop."""
    application = app(_WORKER_CONNECTIONS)
    with_task(application)
    async with application.open_async() as opened:
        # With a higher concurrency, a worker that finds its next job locked does not look again when the lock
        # becomes free, but at the next notification or after five seconds (procrastinate 3.10).
        await opened.run_worker_async(concurrency=1, listen_notify=True)


async def submit(batch: Batch) -> None:
    """Submit a batch; each client has a connection."""
    application = app(batch.clients)
    task = with_task(application)
    async with application.open_async():

        async def one(work: Work) -> str:
            values = {"number": work.number, "lock": work.lock, "steps": work.steps, "gate": work.gate}
            return str(await task.configure(lock=work.lock).defer_async(**values))

        await submit_all(batch, one)


def main() -> None:
    """Do what the command line says."""
    match sys.argv[1:]:
        case ["schema"]:
            asyncio.run(schema())
        case ["history", jobs]:
            history(int(jobs))
        case ["worker"]:
            asyncio.run(work())
        case ["client", batch]:
            asyncio.run(submit(Batch.read(batch)))
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
