"""What the demonstration shows: live on a terminal, line by line elsewhere."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.demo.checks import Check, Event, Run

_STYLES = {
    "Queued": "yellow",
    "Running": "cyan",
    "Completed": "green",
    "Interrupted": "magenta",
    "Failed": "red",
}

State = Mapping[str, Any]


class Screen:
    """Shows what happens to three jobs on one lock."""

    def __init__(self, console: Console, titles: Mapping[str, str]) -> None:
        self._console = console
        self._titles = titles
        self._began = time.monotonic()
        self._told: dict[str, str] = {}
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None

    def __enter__(self) -> Self:
        """Start the live view, where there is a terminal."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the last view standing."""
        if self._live is not None:
            self._live.stop()

    def say(self, sentence: str, style: str = "") -> None:
        """Print a sentence, with the time since the beginning."""
        self._console.print(Text(f"{self._elapsed()}  {sentence}", style=style), soft_wrap=True)

    def show(self, jobs: Sequence[State], lock: State | None) -> None:
        """Show who runs and who waits."""
        if self._live is not None:
            self._live.update(self._table(jobs, lock), refresh=True)
            return
        for job in jobs:
            text = self._line(job)
            if self._told.get(job["job_id"]) != text:
                self._told[job["job_id"]] = text
                self.say(f"{self._titles[job['job_id']]}: {text}")

    def _line(self, job: State) -> str:
        if job["status"] == "Queued":
            return f"waits, number {job['position']} in line"
        if job["status"] == "Running":
            share = _share(job)
            quarter = f", {share // 0.25 * 25:.0f}% done" if share else ""
            return f"runs on {job['worker']}, attempt {job['attempt']}, fence {job['fence']}{quarter}"
        return f"{job['status']} by {job['worker']}, attempt {job['attempt']}"

    def _table(self, jobs: Sequence[State], lock: State | None) -> RenderableType:
        table = Table(box=None, header_style="dim", pad_edge=False)
        for column in ("job", "status", "progress", "worker", "attempt", "fence"):
            table.add_column(column)
        for job in jobs:
            status = Text(job["status"], style=_STYLES.get(job["status"], ""))
            if job["status"] == "Queued" and job["position"]:
                status.append(f" as number {job['position']}")
            worker = job["worker"] if job["status"] != "Queued" else ""
            numbers = (str(job["attempt"] or ""), str(job["fence"] or ""))
            bar = ProgressBar(1, _share(job), width=30, complete_style="cyan", finished_style="green")
            table.add_row(self._titles[job["job_id"]], status, bar, worker, *numbers)
        held = f"lock {lock['lock']}: " + (lock["holder"] or "free") if lock else ""
        return Group(Text(f"{self._elapsed()}  {held}", style="bold"), table)

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._began:5.1f} s"


def show_trail(console: Console, title: str, events: Sequence[Event]) -> None:
    """Print a job's events; steps that follow each other share a line."""
    table = Table(title=title, title_justify="left", box=None, header_style="dim", pad_edge=False)
    for column in ("#", "time", "status", "message", "attempt", "fence", "worker"):
        table.add_column(column, overflow="fold")
    for group in _groups(events):
        first, last = group[0], group[-1]
        is_one = len(group) == 1
        table.add_row(
            str(first["seq"]) if is_one else f"{first['seq']}-{last['seq']}",
            _time(first["timestamp_utc"]),
            first["status"],
            first["message"] if is_one else f"{first['message']} to {last['message']}",
            str(first["attempt"]),
            str(first["fence"] or ""),
            first["worker"] or "",
        )
    console.print()
    console.print(table)


def show_runs(console: Console, runs: Sequence[Run], titles: Mapping[str, str]) -> None:
    """Print the intervals in which jobs ran."""
    table = Table(
        title="The runs, in their order", title_justify="left", box=None, header_style="dim", pad_edge=False
    )
    for column in ("fence", "from", "to", "job", "attempt", "worker", "ended"):
        table.add_column(column, overflow="fold")
    for run in runs:
        start, end = (f"{moment.astimezone():%H:%M:%S.%f}"[:-3] for moment in (run.start, run.end))
        row = (str(run.fence), start, end, titles[run.job_id], str(run.attempt), run.worker, run.outcome)
        table.add_row(*row)
    console.print()
    console.print(table)


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print what was checked and whether it held."""
    console.print()
    for check in checks:
        mark = Text("holds   ", style="green") if check.holds else Text("BROKEN  ", style="bold red")
        detail = f" ({check.detail})" if check.detail else ""
        console.print(mark.append(f"{check.what}{detail}", style="default"), soft_wrap=True)


def _groups(events: Sequence[Event]) -> list[list[Event]]:
    groups: list[list[Event]] = []
    for event in events:
        if groups and event["status"] == "Step" == groups[-1][0]["status"]:
            groups[-1].append(event)
        else:
            groups.append([event])
    return groups


def _share(job: State) -> float:
    progress = job["progress"]
    return min(1.0, progress["value"] / progress["limit"]) if progress and progress["limit"] else 0.0


def _time(timestamp: str) -> str:
    return f"{datetime.fromisoformat(timestamp).astimezone():%H:%M:%S.%f}"[:-3]
