"""turnstile trace: a job's waterfall, printed once or followed to the job's end."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from command_line.drawing import draw
from command_line.exit_codes import STOPPED
from command_line.output import complain, console, print_json, safe, styled_status
from command_line.waterfall import Waterfall, waterfall
from contracts.telemetry import attributes as at
from contracts.telemetry.names import Source

if TYPE_CHECKING:
    from command_line.api import Api

Document = Mapping[str, Any]


class Tracing:
    """What is known of a job's trace, and where else it can be seen."""

    def __init__(self, api: "Api", job_id: str, *, jaeger_url: str, grafana_url: str) -> None:
        """Ask for the job and its trail. Raises ApiError."""
        self._api = api
        self._path = f"/api/v1/jobs/{quote(job_id, safe='')}"
        self._jaeger_url, self._grafana_url = jaeger_url.rstrip("/"), grafana_url.rstrip("/")
        self.job: Document = api.get(self._path)
        self._events: list[Document] = api.items(f"{self._path}/events")

    def print(self, *, as_json: bool, shows_all: bool) -> None:
        """Print it as it is now."""
        if as_json:
            print_json(self.document())
            return
        screen = console()
        for line in self._lines(screen, shows_all=shows_all):
            screen.print(line, soft_wrap=True)

    def follow(self, *, is_shown: bool, shows_all: bool) -> None:
        """Follow the job to its end, and draw it in the meantime if there is a terminal. Raises ApiError."""
        screen = console()
        try:
            if is_shown and screen.is_terminal:
                with Live(console=screen, transient=True) as live:
                    for name, content in self._api.follow(self.job["job_id"]):
                        self._take(name, content)
                        live.update(self._latest(screen, shows_all=shows_all))
            else:
                for _ in self._api.follow(self.job["job_id"]):
                    pass
        except KeyboardInterrupt:
            complain(f"stopped following; job {self.job['job_id']} continues.")
            raise typer.Exit(STOPPED) from None
        self.job = self._api.get(self._path)
        self._events = self._api.items(f"{self._path}/events")

    def document(self) -> dict[str, Any]:
        """Return the trace for programs; an end that is null is still to come."""
        made = self._waterfall()
        facts = ("job_id", "kind", "lock", "status", "trace_id")
        return {name: self.job[name] for name in facts} | {
            "links": dict(self._links()),
            "spans": [
                {
                    "name": str(one.name),
                    "start": one.start and one.start.isoformat(),
                    "end": one.end and one.end.isoformat(),
                    "parent": one.parent and str(one.parent),
                    "attempt": one.attempt or None,
                    "outcome": one.outcome or None,
                    "reason": one.reason or None,
                }
                for one in made.stretches
            ],
            "attempts": [
                {"attempt": one.number, "worker": one.worker, "fence": one.fence, "after": one.after or None}
                for one in made.attempts.values()
            ],
        }

    def _take(self, name: str, content: Document) -> None:
        if name != "job_event":
            self.job = {**self.job, **content}
        elif content["seq"] > len(self._events):
            self._events.append(content)

    def _latest(self, screen: Console, *, shows_all: bool) -> Group:
        """Return what fits the screen: below the title, how it began scrolls away."""
        title, *lines = self._lines(screen, shows_all=shows_all)
        for line in (title, *lines):
            line.truncate(screen.width)
        return Group(title, *lines[-max(1, screen.height - 3) :])

    def _lines(self, screen: Console, *, shows_all: bool) -> list[Text]:
        return [
            *self._facts(),
            Text(),
            *draw(self._waterfall(), screen, datetime.now(UTC), shows_all=shows_all),
        ]

    def _facts(self) -> Iterable[Text]:
        title = styled_status(self.job["status"])
        title.append_text(safe(f"  {self.job['kind']} on lock {self.job['lock']}, job {self.job['job_id']}"))
        yield title
        yield safe(f"trace {self.job['trace_id'] or 'unknown'}")
        for name, link in self._links():
            yield safe(f"{name} {link}")

    def _links(self) -> Iterable[tuple[str, str]]:
        if self._jaeger_url and self.job["trace_id"]:
            yield "jaeger", f"{self._jaeger_url}/trace/{self.job['trace_id']}"
            projector = Source.AUDIT_PROJECTOR.service_name
            tags = quote(json.dumps({str(at.JOB_ID): self.job["job_id"]}), safe="")
            yield (
                "projections",
                f"{self._jaeger_url}/search?service={projector}&lookback=2d&tags={tags}",
            )
        if self._grafana_url:
            yield "grafana", f"{self._grafana_url}/d/one-job?var-job={self.job['job_id']}"

    def _waterfall(self) -> Waterfall:
        return waterfall(self._events, self.job["step"])
