"""Sending demonstration jobs by hand: every key sends one."""

import random
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from command_line.exit_codes import USAGE
from command_line.output import complain, console, print_json, safe
from contracts.identifiers import new_id

if TYPE_CHECKING:
    from command_line.api import Api

_LOCKS = ("red", "green", "blue")
_TITLES = ("Close the month", "Reconcile accounts", "Import prices", "Rebuild the index", "Send statements")
_CTRL_C, _CTRL_D, _ESCAPE = "\x03", "\x04", "\x1b"


def publish_by_keys(api: "Api", seed: int | None, *, as_json: bool) -> None:
    """Send a random job with every key until q. Raises typer.Exit without a terminal."""
    if not sys.stdin.isatty():
        complain("publish reads keys and needs a terminal; without one, use: turnstile submit ten-steps")
        raise typer.Exit(USAGE)
    chooser = random.Random(seed)
    screen = console(stderr=as_json)
    screen.print("Any key sends a demonstration job, [bold]q[/bold] quits.")
    sent = []
    with _single_keys():
        while (key := sys.stdin.read(1)) and key not in {"q", "Q", _CTRL_C, _CTRL_D, _ESCAPE}:
            job = random_job(chooser)
            accepted = api.submit(job)
            sent.append(accepted["job_id"])
            steps, seconds = job["parameters"]["steps"], job["parameters"]["seconds"]
            line = f"{accepted['job_id']}  lock {job['lock']:<6} {job['name']}, {steps} steps of {seconds} s"
            screen.print(safe(line), soft_wrap=True)
    if as_json:
        print_json({"submitted": sent})
    else:
        screen.print(f"{len(sent)} submitted; [dim]turnstile jobs[/dim] shows their status.")


def random_job(chooser: random.Random) -> dict[str, Any]:
    """Make up a demonstration job."""
    return {
        "kind": "ten-steps",
        "lock": chooser.choice(_LOCKS),
        "name": chooser.choice(_TITLES),
        "parameters": {"steps": chooser.randint(3, 12), "seconds": chooser.choice([0.1, 0.2, 0.5])},
        "job_id": new_id(),
    }


@contextmanager
def _single_keys() -> Iterator[None]:
    """Read keys as they are pressed, without Enter and without showing them."""
    before = termios.tcgetattr(sys.stdin)
    # Keys pressed before count, too.
    tty.setcbreak(sys.stdin, termios.TCSANOW)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
