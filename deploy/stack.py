"""Starts, shows, scales and stops the whole stack: `python -m deploy.stack up`, or `make up`.

The stack runs in containers where a Docker engine answers, and as plain processes elsewhere.
RUNTIME=docker or RUNTIME=native decides it.
"""

import argparse
import subprocess
import sys
from typing import Protocol

from deploy import addresses
from deploy.containers import ContainerStack
from deploy.native import NativeStack
from deploy.settings import SettingError, StackSettings
from deploy.system_packages import InstallError
from deploy.texts import StackError

_NATIVE, _DOCKER = "native", "docker"


class Stack(Protocol):
    """A way to run the stack."""

    def is_up(self) -> bool:
        """Return whether the stack was started."""

    def up(self) -> None:
        """Start what does not run and wait until all is ready."""

    def pages(self) -> list[addresses.Page]:
        """Return where people find what."""

    def down(self) -> None:
        """Stop everything; data stays."""

    def scale(self, workers: int) -> None:
        """Run that many workers."""

    def ps(self) -> bool:
        """Print each process and its health; return whether all is well."""

    def logs(self, service: str | None, *, follow: bool) -> None:
        """Print the end of the logs, and what comes, until interrupted."""

    def kill_worker(self, name: str | None) -> None:
        """Kill one worker as a crash would, and say which."""

    def remove_data(self) -> None:
        """Remove all that the stack keeps; it must be down."""

    def run(self, module: str) -> int:
        """Run a module of a service against the stack; return its exit code."""


def choose(settings: StackSettings, runtime: str | None = None) -> Stack:
    """Return the stack that is up, else the one to start: the asked for, Docker's, or the native one."""
    runtime = runtime or settings.runtime
    if runtime not in (None, "", _NATIVE, _DOCKER):
        message = f"RUNTIME must be {_NATIVE} or {_DOCKER}, not {runtime!r}"
        raise SettingError(message)
    native = NativeStack(settings)
    if runtime == _NATIVE or (not runtime and native.is_up()):
        return native
    containers = ContainerStack(settings)
    if runtime == _DOCKER or containers.engine_answers():
        return containers
    return native


def main() -> int:
    """Carry out one command and return the exit code."""
    arguments = _arguments()
    try:
        settings = StackSettings.load()
        return _carry_out(arguments, choose(settings))
    except (StackError, SettingError, InstallError) as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode


def _carry_out(arguments: argparse.Namespace, stack: Stack) -> int:
    code = 0
    match arguments.command:
        case "up":
            stack.up()
        case "down":
            stack.down()
        case "remove-data":
            stack.down()
            stack.remove_data()
        case "ps":
            code = 0 if stack.ps() else 1
        case "logs":
            stack.logs(arguments.service, follow=not arguments.no_follow)
        case "scale":
            stack.scale(arguments.workers)
        case "kill-worker":
            stack.kill_worker(arguments.name)
        case "rebuild":
            code = stack.run("audit_projector.rebuild")
        case "open":
            addresses.show(stack.pages())
            addresses.open_first(stack.pages())
    return code


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.stack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack and print its addresses")
    commands.add_parser("down", help="stop it; data stays")
    commands.add_parser("remove-data", help="stop it and remove its data")
    commands.add_parser("ps", help="show each process and its health")
    logs = commands.add_parser("logs", help="follow the logs of one service, or of all")
    logs.add_argument("service", nargs="?")
    logs.add_argument("--no-follow", action="store_true", help="print what there is and end")
    scale = commands.add_parser("scale", help="run a number of workers")
    scale.add_argument("workers", type=int)
    kill = commands.add_parser("kill-worker", help="kill one worker as a crash would")
    kill.add_argument("name", nargs="?")
    commands.add_parser("rebuild", help="derive the read models again from the journal")
    commands.add_parser("open", help="print where to find what, and open the first page")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
