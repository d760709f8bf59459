"""Writes the documents that are made from the code: python -m deploy.documentation."""

import json

from deploy import ROOT
from deploy.documentation import (
    command_reference,
    http_reference,
    settings_reference,
    telemetry_schema,
    telemetry_tables,
)
from deploy.documentation.marks import between_marks


def main() -> None:
    """Write all of them."""
    for path, content in generated().items():
        (ROOT / path).write_text(content, encoding="utf-8")


def generated() -> dict[str, str]:
    """Return the content of every document that is generated, wholly or in part, by its path."""
    parts = {
        "docs/command-line.md": command_reference.sections(),
        "docs/configuration.md": settings_reference.tables(),
        "docs/http-reference.md": http_reference.operations_and_schemas(),
        "docs/telemetry.md": telemetry_tables.tables(),
    }
    pages = {
        path: between_marks((ROOT / path).read_text(encoding="utf-8"), part) for path, part in parts.items()
    }
    return pages | {"spec/telemetry.json": json.dumps(telemetry_schema.schema(), indent=2) + "\n"}


if __name__ == "__main__":
    main()
