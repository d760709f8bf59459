'''What a job author imports: the job decorator, the job context and its errors.

    from pydantic import BaseModel
    from turnstile import JobContext, job

    class Import(BaseModel):
        url: str

    @job("import-orders")
    async def import_orders(ctx: JobContext, parameters: Import) -> dict[str, int]:
        """Fetch the orders and book them."""
        orders = await ctx.run_step("fetch", fetch, parameters.url)
        for number, order in enumerate(orders, 1):
            async with ctx.step(f"book {number}") as step:
                if not step.done:
                    await book(order, key=ctx.idempotency_key(step), fence=ctx.fence)
            ctx.progress(number, len(orders))
        return {"booked": len(orders)}

A job is run at least once and completed exactly once. When its worker dies, the next attempt calls the
handler again from the top: recorded steps are not done again, saved state is in `ctx.state`. A step runs
again when the worker died after its work and before its record; send the target
`ctx.idempotency_key(step)` or `ctx.fence`, so that it can refuse the repetition.

Handlers run in a process of their own, apart from the one that holds the lease, one after the other. Between
two jobs the process gets back its logging and warnings configuration, environment variables, time zone,
locale, working directory, umask, signal handlers, alarms, resource limits and standard streams; what cannot
be put back replaces the process. What modules keep in their variables stays: caches, connections, leaks.
`@job(fresh_process=True)` gives each job a process of its own. An `async def` handler runs
on that process's event loop and is stopped by asyncio's cancellation; a plain `def` handler runs in a thread
and is stopped by `ctx.check()`, which every step calls on entry. A handler that does not stop is killed. One
that was asked to stop and returns all the same counts as stopped, not as completed. Processes, tasks and
threads that a handler leaves behind end with it, except daemon threads, which are taken for a library's own.
Processes that a handler forks may log; they cannot use the context (ForkedError).

What a handler logs carries the run's identity in the worker's log. Spans it makes with OpenTelemetry's API,
and those of instrumented libraries, belong to the job's trace, each under the step it was made in.

Test handlers with `turnstile.testing.run_job`.
'''

from turnstile.context import JobContext, RunContext, SyncJobContext
from turnstile.errors import (
    DeadlinePassedError,
    DefinitionError,
    FailJob,
    ForkedError,
    InvalidParametersError,
    JobCancelledError,
    LoadError,
    NotRecordedError,
    NotStorableError,
    RunOverError,
    StepMisuseError,
    TurnstileError,
)
from turnstile.kinds import Kind, job, kind_of, load
from turnstile.steps import Step, SyncStep

__all__ = [
    "DeadlinePassedError",
    "DefinitionError",
    "FailJob",
    "ForkedError",
    "InvalidParametersError",
    "JobCancelledError",
    "JobContext",
    "Kind",
    "LoadError",
    "NotRecordedError",
    "NotStorableError",
    "RunContext",
    "RunOverError",
    "Step",
    "StepMisuseError",
    "SyncJobContext",
    "SyncStep",
    "TurnstileError",
    "job",
    "kind_of",
    "load",
]
