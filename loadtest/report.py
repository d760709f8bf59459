"""A verdict as HTML: a part of the verdict's page, and the head of Locust's report."""

import json
from html import escape
from pathlib import Path

from loadtest.verdict import Verdict

STYLE = """
.verdict { color-scheme: light dark; --line: #8884;
  --good: #1a7f37; --bad: #cf222e; --text: #1f2328; --back: #fff }
@media (prefers-color-scheme: dark) {
  .verdict { --good: #3fb950; --bad: #f85149; --text: #e6edf3; --back: #0d1117 } }
.verdict { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  padding: 1.5rem max(1.5rem, 50vw - 35rem) }
.verdict table { border-collapse: collapse; width: 100%; margin: 1rem 0 }
.verdict th, .verdict td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere }
.verdict .good { color: var(--good) } .verdict .bad { color: var(--bad); font-weight: 600 }
.verdict a { color: var(--good) } .verdict pre { overflow-x: auto }
"""


def section(verdict: Verdict) -> str:
    """Return a verdict as HTML."""
    if verdict.unusable is not None:
        head = f'<h1 class="bad">No verdict</h1><p>{escape(verdict.unusable)}</p>'
        return f"{head}<p>{escape(verdict.title)}</p>"
    word, look = ("holds", "good") if verdict.holds else ("does not hold", "bad")
    rows = "".join(
        f'<tr><td class="{"good" if finding.holds else "bad"}">{"✓" if finding.holds else "✗ broken"}'
        f"<td>{escape(finding.promised)}<td>{escape(finding.seen)}"
        for finding in verdict.findings
    )
    figures = escape(json.dumps(verdict.figures, indent=1, ensure_ascii=False))
    return (
        f'<h1 class="{look}">{escape(verdict.title)}: {word}</h1>'
        f"<table><thead><tr><th><th>promised<th>seen</thead><tbody>{rows}</tbody></table>"
        f"<details><summary>Figures</summary><pre>{figures}</pre></details>"
    )


def put_into_report(report: Path, verdict: Verdict) -> None:
    """Put a verdict at the head of Locust's HTML report."""
    text = report.read_text()
    head, root, rest = text.rpartition('<div id="root">')
    part = f'<style>{STYLE}</style><section class="verdict">{section(verdict)}</section>'
    report.write_text(head + part + root + rest)
