"""The part of a page that is generated, and the tables in it."""

import html
from collections.abc import Iterable, Sequence

_BEGIN, _END = "<!-- generated -->", "<!-- /generated -->"


def between_marks(page: str, generated: str) -> str:
    """Return the page with the generated text between its marks. Raise ValueError when a mark is missing."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"the page lacks {_BEGIN} or {_END}")
    return f"{before}{_BEGIN}\n\n{generated}\n{_END}{after}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [columns, ["---"] * len(columns), *rows]
    escaped = (" | ".join(cell.replace("|", "\\|") for cell in line) for line in lines)
    return "".join(f"| {line} |\n" for line in escaped)


def code(text: str) -> str:
    """Return a text in code style; an empty text stays empty."""
    if "|" in text:
        # In a table, a bar ends the cell; code hosts and the site differ in how to escape it in code.
        return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"
    return f"`{text}`" if text else ""
