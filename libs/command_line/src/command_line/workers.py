"""turnstile workers. As in `main`, what it needs is imported when it runs."""

# ruff: noqa: PLC0415

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from command_line.output import clock_time, connected, console, print_json, safe
from command_line.shared_options import DEFAULT_URL, Json, Url
from contracts.heartbeats import Pulse, pulse

if TYPE_CHECKING:
    from rich.text import Text

EPILOG = "Example: `turnstile workers --all`"

_STYLES = {Pulse.ALIVE: "green", Pulse.SILENT: "yellow", Pulse.STOPPED: "dim", Pulse.GONE: "dim"}


@dataclass(frozen=True)
class _Row:
    """What is shown of a process."""

    service: str
    name: str
    seen_at: datetime
    stopped_at: datetime | None
    version: str
    running: Sequence[str] = ()
    is_busy: bool = False
    #: "draining" or "drained", or nothing.
    drain: str = ""
    pools: Sequence[str] = ()
    #: As its setting writes them.
    properties: str = ""


def workers(
    shows_all: Annotated[
        bool,
        typer.Option("--all", help="Also those that were stopped over an hour ago, or are silent for a day."),
    ] = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List workers, schedulers and audit-projectors: which are alive, silent or stopped, and what runs."""
    with connected(url, as_json=as_json) as api:
        found = {"workers": api.items("/api/v1/workers"), "instances": api.items("/api/v1/instances")}
    if as_json:
        print_json(found)
        return
    rows = [*map(_worker, found["workers"]), *map(_instance, found["instances"])]
    _print(rows, shows_all=shows_all)


def _print(rows: Sequence[_Row], *, shows_all: bool) -> None:
    from rich.table import Table

    now = datetime.now(UTC)
    shown = [row for row in rows if shows_all or pulse(row, now) is not Pulse.GONE]
    screen = console()
    if not rows:
        screen.print("No worker was ever heard; start one with: make up")
    elif not shown:
        screen.print("No process is alive; --all shows those that are gone.")
    if not shown:
        return
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in ("service", "name", "state", "last heartbeat", "version", "pools", "properties", "runs"):
        table.add_column(column, no_wrap=column in {"state", "last heartbeat"}, overflow="fold")
    for row in sorted(shown, key=lambda row: row.service != "worker"):
        seen = clock_time(row.seen_at.isoformat(), with_date=True)
        facts = map(safe, (row.service, row.name))
        serves = map(safe, (row.version, " ".join(row.pools), row.properties, " ".join(row.running)))
        table.add_row(*facts, _state(row, now), safe(seen), *serves)
    screen.print(table)


def _state(row: _Row, now: datetime) -> "Text":
    found = pulse(row, now)
    word = Pulse.STOPPED if row.stopped_at is not None else found
    name = word.name.lower()
    text = safe(f"{name}, {row.drain}" if row.drain and found is Pulse.ALIVE else name)
    text.stylize(_STYLES[found])
    return text


def _worker(worker: Mapping[str, Any]) -> _Row:
    version = str(worker["properties"].get("version", ""))
    is_busy = bool(worker["running"] or worker.get("leases"))
    # A publisher of an earlier release knows no orders.
    is_drained = worker.get("drain") and not worker["takes_jobs"] and not is_busy
    drain = "drained" if is_drained else "draining" if worker.get("drain") else ""
    # Nor does it know pools.
    properties = ",".join(f"{name}={value}" for name, value in worker.get("custom_properties", {}).items())
    return _Row(
        "worker",
        worker["worker"],
        *_times(worker),
        version,
        worker["running"],
        is_busy,
        drain,
        worker.get("pools", []),
        properties,
    )


def _instance(one: Mapping[str, Any]) -> _Row:
    return _Row(one["service"], one["instance"], *_times(one), one["version"])


def _times(document: Mapping[str, Any]) -> tuple[datetime, datetime | None]:
    # A publisher of an earlier release does not know that a process was stopped.
    stopped = document.get("stopped_at")
    return datetime.fromisoformat(document["seen_at"]), datetime.fromisoformat(stopped) if stopped else None
