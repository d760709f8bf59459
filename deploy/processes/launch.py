"""Becomes the process that a file describes: `python -m deploy.processes.launch FILE`.

supervisord's own configuration cannot carry every value that an environment variable may have.
"""

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from deploy.processes.command import Command


def write(command: Command, path: Path) -> None:
    """Write the file; it may hold passwords."""
    path.touch(mode=0o600)
    path.write_text(
        json.dumps({**asdict(command), "arguments": command.argv(), "folder": str(command.folder)})
    )


def main() -> None:
    """Replace this process."""
    description = json.loads(Path(sys.argv[1]).read_text())
    os.chdir(description["folder"])
    arguments = description["arguments"]
    os.execvpe(arguments[0], arguments, {**os.environ, **description["environment"]})


if __name__ == "__main__":
    main()
