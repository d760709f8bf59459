"""procrastinate's application: its connections, and its one task."""

import os
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector

from bench import handler

#: The environment variable with the database's address.
DATABASE = "BENCH_POSTGRESQL"

#: What a job writes itself that has to know its steps after a crash.
CHECKPOINTS = "CREATE TABLE checkpoints (job bigint, step int, PRIMARY KEY (job, step))"
_CHECKPOINT = "INSERT INTO checkpoints (job, step) VALUES (%(job)s, %(step)s)"


def app(connections: int) -> App:
    """Return the application, with this number of connections to the database."""
    pool: dict[str, Any] = {"min_size": connections, "max_size": connections}
    return App(connector=PsycopgConnector(conninfo=os.environ[DATABASE], **pool))  # noqa: TID251


def with_task(application: App) -> Any:
    """Add the task to the application, and return it."""

    async def bench(context: JobContext, number: int, lock: str, steps: int, gate: str) -> None:
        with handler.noted(number, lock):
            await handler.pass_gate(gate)
            for step in range(steps):
                await application.connector.execute_query_async(_CHECKPOINT, job=context.job.id, step=step)

    return application.task(name="bench", pass_context=True)(bench)
