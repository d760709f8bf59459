"""Installs the servers that the tests need where they are missing: `python -m deploy.servers`."""

import sys

from deploy.errors import InstallError
from deploy.servers.installation import ensure_chromium, ensure_installed, ensure_prometheus


def main() -> int:
    """Install what is missing and return the exit code."""
    try:
        ensure_installed()
        ensure_prometheus()
        ensure_chromium()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
