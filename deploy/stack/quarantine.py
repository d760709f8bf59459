"""Runs `turnstile quarantine` on the stack of this folder: `python -m deploy.stack.quarantine [OPTION]...`.

It asks the publisher, not RabbitMQ's management interface, which not every installation of RabbitMQ has.
"""

import os
import sys
from typing import NoReturn

from deploy import ROOT
from deploy.errors import SettingError
from deploy.processes.ports import LOOPBACK
from deploy.stack.settings import StackSettings

_UNUSABLE = 2


def main() -> NoReturn:
    """Become the command."""
    try:
        address = f"http://{LOOPBACK}:{StackSettings.load().port('PUBLISHER_PORT')}"
    except SettingError as error:
        print(error, file=sys.stderr)
        sys.exit(_UNUSABLE)
    command = ROOT / ".venv/bin/turnstile"
    os.execve(command, [command.name, "quarantine", "--url", address, *sys.argv[1:]], os.environ)


if __name__ == "__main__":
    main()
