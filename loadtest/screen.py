"""The verdicts in a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from loadtest.scenario import Scenario
from loadtest.verdict import Verdict

#: Width of the output, in columns, without a terminal.
_PLAIN_WIDTH = 120
_PARTS = ("p50", "p95", "p99", "max")


def make_console(*, stderr: bool = False) -> Console:
    """Make the console that people look at."""
    console = Console(highlight=False, stderr=stderr)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    return console


def show_verdict(console: Console, verdict: Verdict, jaeger: str | None) -> None:
    """Show what was promised and what was seen."""
    if verdict.unusable is not None:
        console.print(f"{verdict.scenario}: no verdict", style="bold red")
        console.print(verdict.unusable, markup=False)
        return
    table = Table(title=f"{verdict.scenario}: {verdict.title}", title_justify="left", title_style="bold")
    table.add_column("")
    table.add_column("promised")
    table.add_column("seen", overflow="fold")
    for finding in verdict.findings:
        mark = Text("✓", "green") if finding.holds else Text("✗", "bold red")
        table.add_row(mark, Text(finding.promised), Text(finding.seen, "" if finding.holds else "red"))
    console.print(table)
    for line in _lines(verdict.figures, jaeger):
        console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print()


def show_end(console: Console, verdicts: Sequence[Verdict], results: str) -> None:
    """Show what came of all."""
    for verdict in verdicts:
        word = "no verdict" if verdict.unusable else "holds" if verdict.holds else "DOES NOT HOLD"
        console.print(f"{verdict.scenario:18} {word}", style="" if verdict.holds else "bold red")
    console.print(f"Reports and ledgers: {results}", markup=False, soft_wrap=True)
    held = all(verdict.holds for verdict in verdicts)
    console.print("Everything held." if held else "Not everything held.", style="bold")


def show_scenarios(console: Console, scenarios: Mapping[str, type[Scenario]]) -> None:
    """Show what scenarios there are."""
    table = Table("scenario", "what it does", "users", "jobs", "for")
    for name, kind in scenarios.items():
        table.add_row(name, kind.title(), str(kind.users), str(kind.jobs), f"{kind.seconds:.0f} s")
    console.print(table)


def _lines(figures: Mapping[str, Any], jaeger: str | None) -> Sequence[str]:
    lines = []
    for key, name in (
        ("submit_seconds", "answer to a submission"),
        ("in_line_seconds", "time in line"),
        ("hand_over_seconds", "hand-over"),
        ("take_over_seconds", "take-over"),
        ("refresh_seconds", "refresh of an open page"),
        ("submission_late_seconds", "from due time to submission"),
        ("start_late_seconds", "from due time to start"),
    ):
        values = figures.get(key) or {}
        if values.get("count"):
            parts = ", ".join(f"{part} {values[part]:.3f} s" for part in _PARTS if part in values)
            lines.append(f"{name}: {parts} ({values['count']})")
    if "hand_over_seconds" in figures and figures["hand_over_seconds"] is None:
        lines.append("hand-over: n/a (a worker was restarted, or its metrics could not be read)")
    calls = figures.get("storage_calls_per_job") or {}
    if calls:
        each = ", ".join(f"{service} {count:.1f}" for service, count in calls.items())
        lines.append(f"storage calls per job: {each} (the publisher's with those for watching)")
    if figures.get("dashboard_calls_per_minute") is not None:
        per_minute = figures["dashboard_calls_per_minute"]
        lines.append(f"storage requests of the dashboard: {per_minute:.0f} per minute, for all open pages")
    lines += [f"{name}: {_pairs(figures[name])}" for name in ("conflicts", "schedules") if name in figures]
    lines += [f"{lock}: {_pairs(of_lock)}" for lock, of_lock in figures.get("limits", {}).items()]
    if figures.get("faults"):
        lines.append(f"harm done: {'; '.join(figures['faults'])}")
    for one in (figures.get("slowest") or [])[:1]:
        where = f" {jaeger}/trace/{one['trace_id']}" if one["trace_id"] and jaeger else ""
        lines.append(f"slowest submission: {one['seconds']:.3f} s, job {one['job_id']}{where}")
    return lines


def _pairs(found: Mapping[str, Any]) -> str:
    """Return figures with their names, in one line."""
    texts = {
        name: f"{value:.1f}" if isinstance(value, float) else str(value) for name, value in found.items()
    }
    return ", ".join(f"{name.replace('_', ' ')} {text}" for name, text in texts.items())
