"""What `turnstile prune` says to people."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from command_line.output import console, safe
from coordination.maintenance.pruning import Pruned
from coordination.maintenance.removable import Found, Kept

#: Locks that are shown one by one; --json has all.
_MOST_SHOWN = 30

_WHY = {
    Kept.ACTIVE: "not over",
    Kept.YOUNG: "younger",
    Kept.NOT_PROJECTED: "not in the trail yet",
    Kept.RETRIED: "needed by a retry",
    Kept.PINNED: "pinned",
    Kept.BEHIND: "behind a job that stays",
}


def print_found(outcome: Sequence[Pruned], ended_before: datetime) -> None:
    """Print what would be removed."""
    screen = console()
    found = [one.found for one in outcome if one.found.jobs]
    kept = sum(sum(one.found.kept.values()) for one in outcome)
    if not found:
        screen.print(f"Nothing to remove: no job ended before {_moment(ended_before)}; {kept:,} jobs stay.")
        return
    screen.print(_table(found))
    jobs, events, rows = (sum(getattr(one, name) for one in found) for name in ("jobs", "events", "rows"))
    screen.print(
        f"{jobs:,} jobs with {events:,} events and at least {rows:,} rows would be removed, all of which "
        f"ended before {_moment(ended_before)}; {kept:,} jobs stay. Nothing was changed: --yes removes them."
    )
    screen.print(
        "Parameters, results and events of removed jobs are gone. Their ids stay in use: a job that is "
        "submitted again under one does not run, and to ask for one is answered with 410.",
        style="dim",
        soft_wrap=True,
    )


def print_pruned(outcome: Sequence[Pruned], ended_before: datetime) -> None:
    """Print what was removed, and which locks were left alone."""
    screen = console()
    jobs, rows = sum(one.jobs for one in outcome), sum(one.deleted for one in outcome)
    kept = sum(sum(one.found.kept.values()) + one.found.jobs - one.jobs for one in outcome)
    if not any(one.found.jobs for one in outcome):
        screen.print(f"Nothing to remove: no job ended before {_moment(ended_before)}; {kept:,} jobs stay.")
    else:
        screen.print(f"{jobs:,} jobs were removed, {rows:,} rows deleted; {kept:,} jobs stay.")
    for one in outcome:
        if one.refusal:
            screen.print(
                safe(
                    f"Lock {one.found.lock_name}: {one.found.jobs - one.jobs:,} jobs were left: {one.refusal}"
                ),
                style="red",
                soft_wrap=True,
            )


def _table(found: Sequence[Found]) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("lock", "jobs", "runs", "events", "stay"):
        table.add_column(column, justify="left" if column in {"lock", "stay"} else "right", overflow="fold")
    for one in found[:_MOST_SHOWN]:
        counts = (f"{count:,}" for count in (one.jobs, one.runs, one.events))
        table.add_row(safe(one.lock_name), *counts, _stays(one))
    if len(found) > _MOST_SHOWN:
        table.add_row(f"{len(found) - _MOST_SHOWN} more locks; --json lists them", "", "", "", "")
    return table


def _stays(one: Found) -> str:
    parts = [f"{one.kept[why]:,} {text}" for why, text in _WHY.items() if one.kept.get(why)]
    return ", ".join(parts) or "0"


def _moment(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
