"""The servers that show what happens, as processes: the collector, Jaeger, Prometheus, Loki, Grafana.

Each runs where its program is installed, with the configuration that compose.yaml uses, too.
"""

import json
import re
import shutil
import urllib.error
from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path

from deploy import ROOT
from deploy.observers.compiling import default_folder
from deploy.processes import local_http
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack.settings import OTLP_ENDPOINT, StackSettings

COLLECTOR = "otel-collector"
_NO_FILE = Path("/dev/null")
CONFIGURATION = ROOT / "grafana"
_PROGRAMS = {
    COLLECTOR: ("otelcol-contrib", "otelcol"),
    "jaeger": ("jaeger",),
    "prometheus": ("prometheus",),
    "loki": ("loki",),
    "grafana": ("grafana",),
}
#: Started after broker and storage and stopped before them, but after the services.
_ORDER = 3
_STOP_SECONDS = 10
#: What they use among themselves, from TURNSTILE_OBSERVABILITY_PORT on.
_INNER = ("collector-health", "collector-metrics", "jaeger-otlp", "jaeger-grpc", "jaeger-health", "loki-grpc")
_BY_NAME = re.compile(r"dns_sd_configs: \[\{names: \[([a-z-]+)\], [^]]*\}\]$", re.MULTILINE)


def observers(settings: StackSettings, without: Collection[str] = ()) -> list[Program]:
    """Return the wanted servers whose programs are installed; Prometheus needs `prepare` before it starts."""
    makers = {
        COLLECTOR: _collector,
        "jaeger": _jaeger,
        "prometheus": _prometheus,
        "loki": _loki,
        "grafana": _grafana,
    }
    found = {name: _found(name) for name in settings.observers if name not in without}
    return [makers[name](settings, program) for name, program in found.items() if program]


def missing(settings: StackSettings) -> list[str]:
    """Return the wanted servers whose programs are not installed."""
    return [name for name in settings.observers if not _found(name)]


def environment(settings: StackSettings, running: Iterable[Program]) -> dict[str, str]:
    """Return what makes the services send traces and logs to the stack's own collector, if it runs."""
    if settings.otlp_endpoint or all(program.name != COLLECTOR for program in running):
        return {}
    return {OTLP_ENDPOINT: f"http://{LOOPBACK}:{settings.port('OTLP_PORT')}"}


def prepare(settings: StackSettings, running: Iterable[Program]) -> None:
    """Write what Prometheus reads, which is where targets are now, and Jaeger's links to the dashboard."""
    links = (CONFIGURATION / "jaeger-ui.json").read_text()
    shown = links.replace(StackSettings.load(_NO_FILE, {}).dashboard_url, settings.dashboard_url)
    (_folder(settings, "jaeger") / "ui.json").write_text(shown)
    folder = _folder(settings, "prometheus")
    text = (CONFIGURATION / "prometheus.yml").read_text()
    (folder / "prometheus.yml").write_text(local_configuration(text, folder))
    asked = [program.metrics for program in running if program.metrics]
    for name in set(_BY_NAME.findall(text)):
        targets = [f"{LOOPBACK}:{port}" for service, port in asked if service == name]
        target_file = _target_file(folder, name)
        # Prometheus may read it at this moment.
        half_written = target_file.with_suffix(".new")
        half_written.write_text(json.dumps([{"targets": targets}]))
        half_written.replace(target_file)


def local_configuration(text: str, folder: Path) -> str:
    """Return Prometheus' configuration with targets from files in that folder instead of from DNS."""

    def from_file(found: re.Match[str]) -> str:
        return f"file_sd_configs: [{{files: [{json.dumps(str(_target_file(folder, found[1])))}]}}]"

    rules = json.dumps(str(CONFIGURATION / "alerts/*.yml"))
    return _BY_NAME.sub(from_file, text).replace("[alerts/*.yml]", f"[{rules}]")


def _collector(settings: StackSettings, program: str) -> Program:
    http, grpc = settings.port("OTLP_PORT"), settings.port("OTLP_GRPC_PORT")
    health, metrics = _inner(settings, "collector-health"), _inner(settings, "collector-metrics")
    environment = {
        "COLLECTOR_HOST": LOOPBACK,
        "COLLECTOR_HTTP_PORT": str(http),
        "COLLECTOR_GRPC_PORT": str(grpc),
        "COLLECTOR_HEALTH_PORT": str(health),
        "COLLECTOR_METRICS_PORT": str(metrics),
        "JAEGER_OTLP": f"{LOOPBACK}:{_inner(settings, 'jaeger-otlp')}",
        "LOKI_OTLP": f"http://{LOOPBACK}:{settings.port('LOKI_PORT')}/otlp",
    }
    ports = {http: "TURNSTILE_OTLP_PORT", grpc: "TURNSTILE_OTLP_GRPC_PORT"}
    ports |= dict.fromkeys((health, metrics), "TURNSTILE_OBSERVABILITY_PORT")
    arguments = (program, "--config", str(CONFIGURATION / "collector.yaml"))
    collector = _program(settings, COLLECTOR, arguments, environment, ports, f"{health}/")
    return replace(collector, metrics=(COLLECTOR, metrics))


def _jaeger(settings: StackSettings, program: str) -> Program:
    port, health = settings.port("JAEGER_PORT"), _inner(settings, "jaeger-health")
    otlp, grpc = _inner(settings, "jaeger-otlp"), _inner(settings, "jaeger-grpc")
    environment = {
        "JAEGER_LISTEN_HOST": LOOPBACK,
        "JAEGER_PORT": str(port),
        "JAEGER_GRPC_PORT": str(grpc),
        "JAEGER_OTLP_PORT": str(otlp),
        "JAEGER_HEALTH_PORT": str(health),
        "JAEGER_UI": str(_folder(settings, "jaeger") / "ui.json"),
    }
    ports = {port: "TURNSTILE_JAEGER_PORT"}
    ports |= dict.fromkeys((otlp, grpc, health), "TURNSTILE_OBSERVABILITY_PORT")
    arguments = (program, "--config", str(CONFIGURATION / "jaeger.yaml"))
    return _program(settings, "jaeger", arguments, environment, ports, f"{health}/status")


def _prometheus(settings: StackSettings, program: str) -> Program:
    port, folder = settings.port("PROMETHEUS_PORT"), _folder(settings, "prometheus")
    arguments = (
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=7d",
        "--storage.tsdb.retention.size=2GB",
        "--enable-feature=exemplar-storage",
        f"--web.listen-address={LOOPBACK}:{port}",
    )
    ports = {port: "TURNSTILE_PROMETHEUS_PORT"}
    prometheus = _program(settings, "prometheus", arguments, {}, ports, f"{port}/-/ready")
    return replace(prometheus, metrics=("prometheus", port))


def _loki(settings: StackSettings, program: str) -> Program:
    port, inner = settings.port("LOKI_PORT"), _inner(settings, "loki-grpc")
    environment = {
        "LOKI_HOST": LOOPBACK,
        "LOKI_PORT": str(port),
        "LOKI_GRPC_PORT": str(inner),
        "LOKI_FOLDER": str(_folder(settings, "loki")),
    }
    ports = {port: "TURNSTILE_LOKI_PORT", inner: "TURNSTILE_OBSERVABILITY_PORT"}
    arguments = (program, f"-config.file={CONFIGURATION / 'loki.yaml'}", "-config.expand-env=true")
    # It calls itself ready only after 15 seconds, but takes logs before.
    return _program(settings, "loki", arguments, environment, ports, f"{port}/loki/api/v1/status/buildinfo")


def _grafana(settings: StackSettings, program: str) -> Program:
    port, folder = settings.port("GRAFANA_PORT"), _folder(settings, "grafana")
    packaged = Path("/usr/share/grafana")
    home = packaged if packaged.is_dir() else Path(program).resolve().parents[1]
    dashboards = CONFIGURATION / "dashboards"
    environment = {
        "GF_SERVER_HTTP_ADDR": LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(port),
        "GF_PATHS_DATA": str(folder),
        "GF_PATHS_LOGS": str(folder / "log"),
        "GF_PATHS_PLUGINS": str(folder / "plugins"),
        "GF_PATHS_PROVISIONING": str(CONFIGURATION / "provisioning"),
        "GF_SECURITY_ADMIN_USER": settings.text("GRAFANA_USER") or "",
        "GF_SECURITY_ADMIN_PASSWORD": settings.text("GRAFANA_PASSWORD") or "",
        "GF_AUTH_ANONYMOUS_ENABLED": settings.text("GRAFANA_ANONYMOUS") or "",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(dashboards / "right-now.json"),
        "DASHBOARDS_FOLDER": str(dashboards),
        "DASHBOARD_URL": settings.dashboard_url,
        "PROMETHEUS_URL": f"http://{LOOPBACK}:{settings.port('PROMETHEUS_PORT')}",
        "JAEGER_URL": f"http://{LOOPBACK}:{settings.port('JAEGER_PORT')}",
        "LOKI_URL": f"http://{LOOPBACK}:{settings.port('LOKI_PORT')}",
    }
    arguments = (program, "server", "--homepath", str(home), "--config", str(CONFIGURATION / "grafana.ini"))
    ports = {port: "TURNSTILE_GRAFANA_PORT"}
    return _program(settings, "grafana", arguments, environment, ports, f"{port}/api/health")


def _program(
    settings: StackSettings,
    name: str,
    arguments: tuple[str, ...],
    environment: dict[str, str],
    ports: dict[int, str],
    health: str,
) -> Program:
    command = Command(arguments, environment, _folder(settings, name), when_orphaned="TERM")
    is_ready = partial(_answers, f"http://{LOOPBACK}:{health}")
    return Program(name, command, ports, is_ready, _ORDER, _STOP_SECONDS)


def _answers(url: str) -> bool:
    try:
        with local_http.get(url, timeout=3):
            return True
    except (urllib.error.HTTPError, OSError):
        return False


def _found(name: str) -> str | None:
    installed = next(filter(None, map(shutil.which, _PROGRAMS[name])), None)
    return installed or shutil.which(_PROGRAMS[name][0], path=default_folder())


def _inner(settings: StackSettings, use: str) -> int:
    return settings.port("OBSERVABILITY_PORT") + _INNER.index(use)


def _folder(settings: StackSettings, name: str) -> Path:
    folder = settings.data / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _target_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
