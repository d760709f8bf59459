"""Watching a job: live on a terminal, line by line elsewhere."""

import time
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import typer
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from command_line.exit_codes import STOPPED
from command_line.output import clock_time, complain, console, duration, print_json, safe, styled_status
from command_line.reports import progress_text, shortened, waiting_text

if TYPE_CHECKING:
    from command_line.api import Api

#: Events that stay on the screen.
_LAST_EVENTS = 12

#: Seconds between two lines about progress without a terminal.
_PROGRESS_EVERY = 5.0

Document = Mapping[str, Any]


def watch_job(api: "Api", job_id: str, *, as_json: bool) -> dict[str, Any]:
    """Follow a job to its end and give how it ended. Raises ApiError."""
    path = f"/api/v1/jobs/{quote(job_id, safe='')}"
    job: dict[str, Any] = api.get(path)
    screen = console()
    view = _Silence() if as_json else _LiveView(screen, job) if screen.is_terminal else _Lines(screen)
    try:
        with view:
            for name, content in api.follow(job["job_id"]):
                view.show(name, content)
    except KeyboardInterrupt:
        complain(f"stopped watching; job {job_id} continues.")
        raise typer.Exit(STOPPED) from None
    job = api.get(path)
    if as_json:
        print_json(job)
    else:
        _print_end(screen, job)
    return job


def _print_end(screen: Console, job: Document) -> None:
    ran = duration(job["started_at"], job["finished_at"])
    line = styled_status(job["status"])
    line.append(f" after {ran}" if ran else "", style="default")
    if job["interruptions"]:
        line.append(f", attempt {job['attempt']}", style="default")
    if job["error"]:
        line.append_text(safe(f": {job['error']['type']}: {job['error']['message']}"))
    screen.print(line, soft_wrap=True)
    if job["result"] is not None:
        values = job["result"] if isinstance(job["result"], dict) else {"result": job["result"]}
        for name, value in values.items():
            screen.print(safe(f"  {name}: {shortened(str(value))}"), soft_wrap=True)


class _View(Protocol):
    """Shows what happens."""

    def show(self, name: str, content: Document) -> None:
        """Take one message of the stream."""


class _Silence:
    """Shows nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        pass

    def show(self, name: str, content: Document) -> None:
        pass


class _Lines(_Silence):
    """Prints a line for every event, and now and then one for progress."""

    def __init__(self, screen: Console) -> None:
        self._screen = screen
        self._told = ""
        self._told_at = 0.0

    def show(self, name: str, content: Document) -> None:
        if name == "job_event":
            self._screen.print(_event_line(content), soft_wrap=True)
            return
        text = waiting_text(content) or progress_text(content["progress"])
        now = time.monotonic()
        if text and text != self._told and now - self._told_at >= _PROGRESS_EVERY:
            self._told, self._told_at = text, now
            self._screen.print(safe(f"{time.strftime('%H:%M:%S')}  {text}"), soft_wrap=True)


class _LiveView:
    """Keeps a progress bar and the last events on the screen."""

    def __init__(self, screen: Console, job: Document) -> None:

        self._job = job
        self._now: Document = job
        self._events: deque[Document] = deque(maxlen=_LAST_EVENTS)
        self._live = Live(self._render(), console=screen, refresh_per_second=8)

    def __enter__(self) -> None:
        self._live.start()

    def __exit__(self, *error: object) -> None:
        self._live.update(self._render(), refresh=True)
        self._live.stop()

    def show(self, name: str, content: Document) -> None:
        if name == "job_event":
            self._events.append(content)
        else:
            self._now = content
        self._live.update(self._render())

    def _render(self) -> RenderableType:

        title = safe(
            f"{self._job['name'] or self._job['kind']} · lock {self._job['lock']} · {self._job['job_id']}"
        )
        title.stylize("bold")
        return Group(title, *(_event_line(event) for event in self._events), *self._foot())

    def _foot(self) -> Iterable[RenderableType]:

        waiting = waiting_text(self._now)
        if waiting:
            yield safe(f"waits: {waiting}")
            return
        progress = self._now["progress"]
        if progress is None:
            yield styled_status(self._now["status"])
            return
        row = Table.grid(padding=(0, 1))
        step = safe(self._now["step"] or "")
        limit, value = progress["limit"], progress["value"]
        bar = ProgressBar(
            limit, value, width=40, pulse=limit is None, complete_style="cyan", finished_style="green"
        )
        row.add_row(styled_status(self._now["status"]), bar, safe(progress_text(progress)), step)
        yield row


def _event_line(event: Document) -> RenderableType:
    line = safe(f"{clock_time(event['timestamp_utc'])}  ")
    line.append_text(styled_status(event["status"]))
    line.append(" " * max(1, 16 - len(event["status"])))
    line.append_text(safe(shortened(event["message"], 200)))
    if event["status"] == "Started":
        line.append_text(safe(f" on {event['worker']} with fence {event['fence']}"))
    return line
