"""The settings of .env.example as tables."""

import re
from collections.abc import Iterator

from deploy import ROOT
from deploy.documentation.marks import code, table

_SECTION = re.compile(r"# -+ (.+?) -+")


def tables() -> str:
    """Return a table of settings for each section of the file, under its title."""
    return "\n".join(_sections((ROOT / ".env.example").read_text(encoding="utf-8").splitlines()))


def _sections(lines: list[str]) -> Iterator[str]:
    starts = [number for number, line in enumerate(lines) if _SECTION.fullmatch(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        found = _SECTION.fullmatch(lines[start])
        assert found is not None
        yield f"## {found[1]}\n\n" + table(
            ("setting", "default", "what it does"), _rows(lines[start + 1 : end])
        )


def _rows(lines: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield a row for each comment and the settings that follow it."""
    comment: list[str] = []
    settings: list[tuple[str, str]] = []
    for line in [*lines, "#"]:
        if not line.startswith("#"):
            name, equals, default = line.partition("=")
            settings += [(name, default)] if equals else []
            continue
        if settings:
            names, defaults = zip(*settings, strict=True)
            yield "<br>".join(map(code, names)), "<br>".join(map(code, defaults)), " ".join(comment)
            comment, settings = [], []
        comment.append(line.removeprefix("#").strip())
