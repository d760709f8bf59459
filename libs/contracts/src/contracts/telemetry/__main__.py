"""Prints the schema as JSON; with `--write`, makes spec/telemetry.json and the README's tables from it."""

import argparse
import json
from pathlib import Path

from contracts.telemetry.document import schema
from contracts.telemetry.tables import with_tables


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m contracts.telemetry", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the files, in the working directory")
    text = json.dumps(schema(), indent=2) + "\n"
    if not parser.parse_args().write:
        print(text, end="")
        return
    readme, specification = Path("README.md"), Path("spec/telemetry.json")
    specification.parent.mkdir(exist_ok=True)
    specification.write_text(text, encoding="utf-8")
    readme.write_text(with_tables(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
