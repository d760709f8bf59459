"""The verdict for a terminal."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from command_line.output import console, safe
from verification import MEANINGS, Invariant, Percentiles, Verdict

#: Violations printed; --json and --html have more.
_MOST_SHOWN = 20


def print_verdict(verdict: Verdict, page: Path | None) -> None:
    """Print what was looked at, each invariant, the first violations, and times."""
    screen = console()
    screen.print(_summary(verdict))
    screen.print()
    screen.print(_invariants(verdict))
    if verdict.violations:
        screen.print()
        for violation in verdict.violations[:_MOST_SHOWN]:
            where = [f"lock {violation.lock}"] if violation.lock else []
            where += [f"job {violation.job_id}"] if violation.job_id else []
            where += [f"fence {violation.fence}"] if violation.fence else []
            screen.print(Text(f"✗ {violation.invariant} ", "red"), safe(violation.message), soft_wrap=True)
            screen.print(safe(f"    {', '.join(where)}"), style="dim", soft_wrap=True)
        more = sum(verdict.found.values()) - min(len(verdict.violations), _MOST_SHOWN)
        if more > 0:
            screen.print(f"and {more} more; --json lists up to 1000 of each")
    screen.print()
    screen.print(_times(verdict))
    if page is not None:
        screen.print(safe(f"picture: {page}"), soft_wrap=True)


def _summary(verdict: Verdict) -> Text:
    counts = verdict.counts
    text = Text(
        "All holds. " if verdict.holds else "NOT all holds. ", "bold green" if verdict.holds else "bold red"
    )
    text.append(
        f"{counts['jobs']} jobs of {counts['locks']} locks, with {counts['events']} events, "
        f"{counts['runs']} runs, {counts['interruptions']} interruptions; "
        f"{counts['unfinished']} not finished.",
        "none",
    )
    if counts["effects_accepted"] or counts["effects_refused"]:
        effects = f"{counts['effects_accepted']} accepted, {counts['effects_refused']} refused"
        text.append(f" Effects outside: {effects}.", "none")
    outcomes = ", ".join(f"{status} {count}" for status, count in verdict.outcomes.items())
    text.append(f"\n{outcomes}" if outcomes else "", "dim")
    return text


def _invariants(verdict: Verdict) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("", "", "what must be true", "found"):
        table.add_column(column, overflow="fold")
    for invariant in Invariant:
        found, why = verdict.found.get(invariant, 0), verdict.unchecked.get(invariant)
        mark = Text("✗", "red") if found else Text("-", "dim") if why else Text("✓", "green")
        table.add_row(
            mark, invariant.value, MEANINGS[invariant], str(found) if found else Text(why or "", "dim")
        )
    return table


def _times(verdict: Verdict) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("seconds", "p50", "p95", "p99", "max", "count"):
        table.add_column(column, justify="left" if column == "seconds" else "right")
    rows: dict[str, Percentiles] = {"in line": verdict.in_line, "hand-over": verdict.hand_over}
    rows |= {f"take-over, {cause.replace('_', ' ')}": of for cause, of in verdict.take_over.items()}
    for name, of in rows.items():
        if of.count:
            values = (f"{value:.3f}" for value in (of.p50, of.p95, of.p99, of.max))
            table.add_row(name, *values, str(of.count))
    return table
