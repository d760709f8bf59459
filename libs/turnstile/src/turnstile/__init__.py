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

The name of a step is its identity: the next attempt finds the record under it, and the idempotency key is
made of it. So different work has different names, and a loop over data has the data in the name, as in
`f"book {order.id}"`. The rules:

- A step inside a step has the names of both: "charge" inside "order" is "order/charge".
- A name that is used again in the same place gets a number: "load", "load#2", in the order of the calls of
  `ctx.step` and `ctx.run_step`. That order must be the same in every attempt; it is for steps of one name
  that are handed to `asyncio.gather`.
- A step that is left by an error gives its number back. Tried again, it has the same name and key. So has the
  next step of its name, which is taken for another try of the same work. Only when steps of the name ran
  side by side, the number goes to the task or thread that left it, and to no other.
- A step inside a step that failed stays recorded, and is skipped when the outer step is tried again.
- A job continues by the rule under which its first step was recorded; rule 1, of earlier releases, knew
  no outer names and counted failed steps, too.

What cannot be right raises StepMisuseError: a step entered elsewhere than where it was made, or entered
twice; one that ends before the steps inside it, or begins in a step that has ended; a result set outside of
the block; the key of a step that was left by an error; two steps whose names would be the same ("b" inside
"a", and "a/b").

A handler that raises fails its job, unless its kind has a retry policy:
`@job("import-orders", retry=RetryPolicy(attempts=5, delay=timedelta(seconds=30)))`. Then the job goes back to
its place in line and is due after the delay. `raise RetryLater(seconds)` says another delay, `raise
FailJob(reason)` ends the job all the same.

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

Programs that submit jobs use `Client` or `AsyncClient`; `turnstile.client` describes them.
'''

from typing import TYPE_CHECKING, Any

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
    RetryLater,
    RunOverError,
    StepMisuseError,
    TurnstileError,
)
from turnstile.kinds import Kind, job, kind_of
from turnstile.loading import load
from turnstile.retries import RetryPolicy
from turnstile.steps import Step, SyncStep

if TYPE_CHECKING:
    from turnstile.client import AsyncClient, Client

__all__ = [
    "AsyncClient",
    "Client",
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
    "RetryLater",
    "RetryPolicy",
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


def __getattr__(name: str) -> Any:
    """Load a client: it needs packages that a handler does without, and whose import takes time."""
    if name not in {"AsyncClient", "Client"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from turnstile import client  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ImportError(f"turnstile.{name} needs {error.name}: install turnstile[client]") from error
    return getattr(client, name)
