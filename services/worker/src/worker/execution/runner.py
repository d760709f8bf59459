"""The runner: a child process of the supervisor that executes handlers; `worker.runner` is its entry point.

It has no credentials, no lease and no decisions: it talks to its supervisor only, and dies with it.
"""

import argparse
import asyncio
import atexit
import contextlib
import logging
import os
import socket
import struct
import sys
from collections.abc import Callable, Sequence

import turnstile
from contracts.policies import JobPolicy, RetryPolicy
from turnstile.errors import LoadError
from turnstile.kinds import Kind
from turnstile.loading import load
from turnstile.retries import excluded_names
from worker.execution import messages
from worker.execution.code_version import loaded_files
from worker.execution.deadline_table import DeadlineView
from worker.execution.failures import describe_process_end
from worker.execution.forks import flush_output
from worker.execution.log_forwarding import ForwardingHandler
from worker.execution.process_limits import confine
from worker.execution.runner_loop import Serving
from worker.execution.runner_reuse import ReuseRules
from worker.execution.tracing import MakeTracing, RunnerTracing, no_tracing


def main(arguments: Sequence[str] | None = None, make_tracing: MakeTracing = no_tracing) -> None:
    """Load the jobs modules, send `Hello`, and serve until the supervisor closes the stream."""
    options = _read(arguments)
    confine(options.supervisor, options.memory_limit)
    for fd in (options.control, options.table):
        os.set_inheritable(fd, False)
    control = socket.socket(fileno=options.control)
    cell = DeadlineView(options.table, options.cell_count, options.cell)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    try:
        kinds = load(options.jobs)
        hello = messages.Hello(kinds=[_message_of(kind) for kind in kinds.values()], files=loaded_files())
    except LoadError as error:
        logging.getLogger("turnstile.runner").error("loading the jobs module failed", exc_info=error)
        _send(control, messages.Hello(error=messages.clean(str(error), 4000)))
        sys.exit(1)
    _send(control, hello)
    # After the hello, so that no start waits for what this imports.
    tracing = make_tracing(options.traces)
    reuse = ReuseRules(options.reuse_limit, options.memory_limit)
    _serve(lambda: Serving(kinds, control, cell, tracing, reuse), tracing, options.log_level)


def _serve(make_serving: Callable[[], Serving], tracing: RunnerTracing, log_level: int) -> None:
    servings: list[Serving] = []

    async def serve() -> None:
        serving = make_serving()
        servings.append(serving)
        handler = ForwardingHandler(serving.sender, tracing.span_id)
        logging.basicConfig(level=log_level, handlers=[handler], force=True)
        await serving.serve()

    # Not asyncio.run: that would cancel the handler before the reason of a SystemExit is sent.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(serve())
    except (SystemExit, KeyboardInterrupt) as error:
        for serving in servings:
            if serving.run is not None:
                serving.wire.send_last(messages.write(describe_process_end(serving.run, error)))
    finally:
        run_exit_handlers()
        flush_output()
        # Not sys.exit: threads of user code must not keep an unwanted runner alive.
        os._exit(0)


def run_exit_handlers() -> None:
    """Run what libraries registered with atexit; the supervisor kills a runner that takes too long for it."""
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 - there is no other way without the end of the interpreter


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="runner", description="Started by a worker's supervisor only.")
    parser.add_argument("--supervisor", type=int, required=True, help="process id of the supervisor")
    parser.add_argument("--control", type=int, required=True, help="fd of the socket to the supervisor")
    parser.add_argument("--table", type=int, required=True, help="fd of the shared memory")
    parser.add_argument("--cell-count", type=int, required=True)
    parser.add_argument("--cell", type=int, required=True, help="index of this runner's cell")
    parser.add_argument("--memory-limit", type=int, help="bytes")
    parser.add_argument("--reuse-limit", type=int, help="bytes above which it is not used again")
    parser.add_argument("--log-level", type=int, default=logging.INFO)
    parser.add_argument("--traces", action="store_true", help="send spans")
    parser.add_argument("jobs", nargs="*", help="modules with jobs")
    return parser.parse_args(arguments)


def _message_of(kind: Kind) -> messages.KindMessage:
    timeout = None if kind.timeout is None else kind.timeout.total_seconds()
    return messages.KindMessage(
        kind=kind.name,
        parameters_schema=kind.schema(),
        timeout_seconds=timeout,
        description=messages.clean(kind.description, 1000),
        policy=JobPolicy(
            kind.max_runner_crashes,
            kind.max_worker_losses,
            None if kind.expires_in is None else kind.expires_in.total_seconds(),
            kind.on_conflict,
            None if kind.retry is None else _policy_of(kind.name, kind.retry),
            None if kind.keep is None else kind.keep.total_seconds(),
        ),
        wants_fresh_process=kind.fresh_process,
        lock_template=kind.lock,
    )


def _policy_of(kind: str, retry: turnstile.RetryPolicy) -> RetryPolicy:
    return RetryPolicy(
        retry.attempts,
        retry.delay.total_seconds(),
        retry.backoff,
        retry.longest_delay.total_seconds(),
        float(retry.jitter),
        excluded_names(kind, retry),
        bool(retry.hold_place),
    )


def _send(control: socket.socket, message: messages.Message) -> None:
    frame = messages.write(message)
    control.sendall(struct.pack(">I", len(frame)) + frame)
