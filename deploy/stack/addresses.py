"""Where people find what: the pages of a stack on this machine, each with what it shows."""

import os
import sys
import webbrowser
from collections.abc import Collection, Sequence

from contracts.telemetry.names import Source
from deploy.processes.ports import LOOPBACK
from deploy.stack.settings import PREFIX, StackSettings
from deploy.stack.tables import table

Page = tuple[str, str]

#: The dashboards' ids, and what they show.
_DASHBOARDS = {
    "right-now": "Right now: holders of locks, lines",
    "jobs": "Jobs: rates, durations, outcomes",
    "one-job": "One job, by its id",
    "guarantee": "Guarantee: exclusion, fences, take-overs",
    "plumbing": "Plumbing: RabbitMQ, storage, services",
}


def dashboard_page(settings: StackSettings) -> Page:
    """Return the page that shows most people what they look for."""
    return "Dashboard: jobs, locks, workers, the proof", settings.dashboard_url


def links_out(settings: StackSettings, running: Collection[str]) -> dict[str, str]:
    """Return where the dashboard finds a job's trace and its logs, except what a user has set."""
    jaeger, grafana = (f"http://{LOOPBACK}:{settings.port(name)}" for name in ("JAEGER_PORT", "GRAFANA_PORT"))
    links = {}
    if "jaeger" in running:
        links["TRACE_URL"] = f"{jaeger}/trace/{{trace_id}}"
    if {"grafana", "loki"} <= set(running):
        links["LOGS_URL"] = f"{grafana}/d/one-job?var-job={{job_id}}&from=now-7d&to=now"
    return {PREFIX + name: link for name, link in links.items() if not settings.text(name)}


def observer_pages(settings: StackSettings, running: Collection[str]) -> list[Page]:
    """Return the pages of those servers that show what happens, as far as they run."""
    grafana, jaeger, prometheus = (
        f"http://{LOOPBACK}:{settings.port(name)}"
        for name in ("GRAFANA_PORT", "JAEGER_PORT", "PROMETHEUS_PORT")
    )
    pages: list[Page] = []
    if "grafana" in running:
        pages += [(f"Grafana, {title}", f"{grafana}/d/{uid}") for uid, title in _DASHBOARDS.items()]
    if "jaeger" in running:
        pages.append(("Jaeger, traces of jobs", f"{jaeger}/search?service={Source.WORKER.service_name}"))
    if "prometheus" in running:
        pages.append(("Prometheus, alerts", f"{prometheus}/alerts"))
    return pages


def show(pages: Sequence[Page]) -> None:
    """Print the pages."""
    print(table(("", "address"), pages))


def open_first(pages: Sequence[Page]) -> None:
    """Open the first page in a browser where there is a screen to show it on."""
    if pages and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(pages[0][1])
