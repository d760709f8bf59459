"""Installs uv and the Python packages where they are missing: `python -m deploy.install`."""

import subprocess
import sys

from deploy.errors import InstallError
from deploy.install.environment import ensure_installed


def main() -> int:
    """Install what is missing and return the exit code."""
    try:
        ensure_installed()
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(
            "The Python packages could not be installed; the messages above say why. Behind a proxy, name it "
            "in https_proxy; without internet, name an index of packages in UV_DEFAULT_INDEX and "
            "PIP_INDEX_URL.",
            file=sys.stderr,
        )
        return error.returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
