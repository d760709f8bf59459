"""The verdict for a terminal."""

from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from command_line.output import console, safe
from verification import MEANINGS, Invariant, Percentiles, Removal, Verdict

#: Violations printed of each invariant; --json and --html have more.
_MOST_SHOWN = 5

#: Seconds.
_CLOCKS_MAY_DIFFER = 1.0


def print_verdict(verdict: Verdict, page: Path | None) -> None:
    """Print what was looked at, each invariant, the first violations, and times."""
    screen = console()
    screen.print(_summary(verdict))
    screen.print()
    screen.print(_invariants(verdict))
    if verdict.violations:
        screen.print()
        _print_violations(screen, verdict)
    screen.print()
    screen.print(_times(verdict))
    if verdict.clocks_apart > _CLOCKS_MAY_DIFFER:
        screen.print(
            f"The workers' clocks contradict the order of transactions by {verdict.clocks_apart:.1f} s."
        )
    if page is not None:
        screen.print(safe(f"picture: {page}"), soft_wrap=True)


def _summary(verdict: Verdict) -> Text:
    counts = verdict.counts
    text = Text(*_headline(verdict))
    text.append(
        f"Locks: {counts['locks']}, jobs: {counts['jobs']}, not finished: {counts['unfinished']}, "
        f"runs: {counts['runs']}, interruptions: {counts['interruptions']}, events: {counts['events']}.",
        "none",
    )
    if counts["effects_accepted"] or counts["effects_refused"]:
        effects = f"{counts['effects_accepted']} accepted, {counts['effects_refused']} refused"
        text.append(f" Effects outside: {effects}.", "none")
    text.append(f"\n{_numbers(verdict)}", "none")
    outcomes = ", ".join(f"{status} {count}" for status, count in verdict.outcomes.items())
    text.append(f"\n{outcomes}" if outcomes else "", "dim")
    for removal in verdict.removals[:_MOST_SHOWN]:
        text.append("\n").append(safe(_removed(removal)))
    more = len(verdict.removals) - _MOST_SHOWN
    text.append(f"\nJobs of {more} more locks were removed; --json lists them." if more > 0 else "")
    return text


def _removed(removal: Removal) -> str:
    return (
        f"Removed: {removal.jobs} jobs and {removal.runs} runs of lock {removal.lock} up to fence "
        f"{removal.fence}, on {removal.removed_at} by {removal.actor}."
    )


def _numbers(verdict: Verdict) -> str:
    """Return what was compared, and the shortest gap between two runs."""
    numbers = verdict.numbers
    parts = [f"Neighbouring runs compared: {numbers.neighbours}, overlaps: {numbers.overlaps}"]
    if numbers.fences is not None:
        parts.append(f"fences: {numbers.fences[0]} to {numbers.fences[1]}")
    gap = numbers.shortest_gap
    if gap is not None:
        milliseconds, fences = gap.seconds * 1000, f"fences {gap.earlier} and {gap.later}"
        parts.append(f"shortest gap between two runs: {milliseconds:.1f} ms ({fences})")
    parts.append(f"hash chains intact: {numbers.chains_intact} of {numbers.chains}")
    parts.append(f"events: {verdict.counts['events']} of {numbers.events_expected}")
    return ", ".join(parts) + "."


def _print_violations(screen: Console, verdict: Verdict) -> None:
    for invariant, count in sorted(verdict.found.items()):
        of_it = [violation for violation in verdict.violations if violation.invariant is invariant]
        for violation in of_it[:_MOST_SHOWN]:
            where = {"lock": violation.lock, "job": violation.job_id, "fence": violation.fence}
            place = ", ".join(f"{name} {value}" for name, value in where.items() if value is not None)
            screen.print(Text(f"✗ {invariant} ", "red"), safe(violation.message), soft_wrap=True)
            screen.print(safe(f"    {place}"), style="dim", soft_wrap=True)
        if count > _MOST_SHOWN:
            screen.print(f"  {invariant}: {count - _MOST_SHOWN} more; --json lists up to 1000", style="dim")


def _headline(verdict: Verdict) -> tuple[str, str]:
    if verdict.holds:
        return "All checks passed. ", "bold green"
    return f"Checks failed: {', '.join(sorted(verdict.found))}. ", "bold red"


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
    rows: dict[str, Percentiles] = {"in line": verdict.in_line, "between runs, journal": verdict.hand_over}
    rows |= {f"take-over, {cause.replace('_', ' ')}": of for cause, of in verdict.take_over.items()}
    for name, of in rows.items():
        if of.count:
            values = (f"{value:.3f}" for value in (of.p50, of.p95, of.p99, of.max))
            table.add_row(name, *values, str(of.count))
    return table
