"""Compiles Jaeger and the Collector into a folder: `make observers`, or `python -m deploy.observers`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.errors import InstallError
from deploy.observers.compiling import compile_missing, default_folder


def main(argv: Sequence[str] | None = None) -> int:
    """Compile what is missing, print the folder, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.observers",
        description="Compile Jaeger and the Collector from their Go modules, for RUNTIME=native.",
        epilog="Exit codes: 0 both are there, 1 they could not be compiled.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=default_folder(),
        help="where to put them (default: %(default)s)",
    )
    folder = parser.parse_args(argv).folder.absolute()
    try:
        compile_missing(folder)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
