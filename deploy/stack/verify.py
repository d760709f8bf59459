"""Runs `turnstile verify` on the stack of this folder: `python -m deploy.stack.verify [OPTION]...`."""

import os
import sys
from typing import NoReturn

from deploy import ROOT
from deploy.errors import SettingError
from deploy.stack.settings import StackSettings

_UNUSABLE = 2


def main() -> NoReturn:
    """Become the command, with its words, exit code and all, and with the settings of the services."""
    try:
        settings = StackSettings.load().for_services()
    except SettingError as error:
        print(error, file=sys.stderr)
        sys.exit(_UNUSABLE)
    command = ROOT / ".venv/bin/turnstile"
    os.execve(command, [command.name, "verify", *sys.argv[1:]], {**os.environ, **settings})


if __name__ == "__main__":
    main()
