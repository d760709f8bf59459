"""Starts, shows, scales and stops the whole stack: `python -m deploy.stack up`, or `make up`.

The stack runs in containers where a Docker engine answers, and as plain processes elsewhere.
RUNTIME=docker or RUNTIME=native decides it.
"""

import argparse
import subprocess
import sys

from deploy.errors import SettingError, StackError
from deploy.stack import addresses
from deploy.stack.choice import Stack, choose
from deploy.stack.settings import StackSettings

#: As every command of Turnstile ends that was called with something unusable.
_UNUSABLE = 2


def main() -> int:
    """Carry out one command and return the exit code."""
    arguments = _arguments()
    try:
        settings = StackSettings.load()
        return _carry_out(arguments, choose(settings))
    except SettingError as error:
        print(error, file=sys.stderr)
        return _UNUSABLE
    except StackError as error:
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
