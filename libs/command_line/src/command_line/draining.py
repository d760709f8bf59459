"""turnstile drain and turnstile resume. As in `main`, what they need is imported when they run."""

# ruff: noqa: PLC0415

import shlex
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command_line import exit_codes
from command_line.output import complain, connected, console, print_json, safe
from command_line.shared_options import DEFAULT_URL, Actor, Json, Url, checked_name, seconds

if TYPE_CHECKING:
    from command_line.api import Api
    from contracts.jobs import Worker

DRAIN_EPILOG = (
    "Example: `turnstile drain host-1/7 --wait --reason 'update of the host'`\n\n"
    "Exit codes: 0 when the order was given and, with --wait, the worker runs nothing or is gone; 7 when it "
    "still runs something after --timeout; 130 after Ctrl-C while it waits; and those of all commands. "
    "After 7 and 130 the order stands."
)
RESUME_EPILOG = "Example: `turnstile resume host-1/7`"

#: Seconds between two looks at a worker that is waited for.
_PAUSE = 1.0

WorkerName = Annotated[
    str,
    typer.Argument(
        metavar="WORKER", help="Name of the worker; `turnstile workers` lists them.", callback=checked_name
    ),
]

Reason = Annotated[str, typer.Option(help="Why; others see it.")]


def drain(
    worker: WorkerName,
    reason: Reason = "",
    waits: Annotated[
        bool, typer.Option("--wait", help="Wait until the worker has ended the jobs that it runs.")
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", parser=seconds, help="Seconds to wait at most.")
    ] = 3600.0,
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Have a worker take no new jobs, for example before it is stopped; those that it runs continue.

    It obeys within 20 s, and other workers take what waits. The order stands until `turnstile resume`.
    """
    from turnstile.client.calls import worker_path

    with connected(url, as_json=as_json, actor=actor) as api:
        found = _tell(api, worker, reason, takes_jobs=False)
        try:
            is_over = not waits or _wait(api, found, time.monotonic() + timeout, is_quiet=as_json)
        except KeyboardInterrupt:
            complain(
                f"stopped waiting; the order stands, and {worker} takes no new jobs. To take it back: "
                f"turnstile resume {shlex.quote(worker)}"
            )
            raise typer.Exit(exit_codes.STOPPED) from None
        if as_json:
            print_json(api.get(worker_path(worker)) if waits else found)
        elif not waits:
            console().print(safe(f"{worker} takes no new jobs from its next heartbeat on."))
        elif is_over:
            console().print(safe(f"{worker} is drained: it can be stopped."))
    if not is_over:
        raise typer.Exit(exit_codes.NOT_ENDED)


def resume(
    worker: WorkerName,
    reason: Reason = "",
    actor: Actor = "",
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Have a worker take new jobs again; it does within 20 s."""
    with connected(url, as_json=as_json, actor=actor) as api:
        found = _tell(api, worker, reason, takes_jobs=True)
        if as_json:
            print_json(found)
        else:
            console().print(safe(f"{worker} takes jobs again from its next heartbeat on."))


def _tell(api: "Api", worker: str, reason: str, *, takes_jobs: bool) -> Any:
    from turnstile.client.calls import worker_path

    return api.put(worker_path(worker), {"takes_jobs": takes_jobs, "reason": reason})


def _wait(api: "Api", document: Any, until: float, *, is_quiet: bool) -> bool:
    """Wait until a worker runs nothing and takes nothing, or is not there any more; return whether so."""
    from contracts.jobs import Worker
    from turnstile.client.calls import worker_path

    said = ""
    while True:
        worker = Worker.model_validate(document)
        if worker.is_drained or _is_gone(worker):
            return True
        state = _state(worker)
        if state != said and not is_quiet:
            console().print(safe(state), style="dim")
            said = state
        if time.monotonic() >= until:
            return False
        time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))
        document = api.get(worker_path(worker.worker))


def _is_gone(worker: "Worker") -> bool:
    from contracts.heartbeats import Pulse, pulse

    return pulse(worker, datetime.now(UTC)) in {Pulse.STOPPED, Pulse.GONE}


def _state(worker: "Worker") -> str:
    if worker.takes_jobs:
        return f"{worker.worker} was told; waiting for its next heartbeat"
    noun = "job" if len(worker.running) == 1 else "jobs"
    return f"{worker.worker} takes no new jobs and runs {len(worker.running)} {noun}"
