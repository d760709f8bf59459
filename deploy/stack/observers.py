"""The servers that show what happens, as processes: the collector, Jaeger, Prometheus, Loki, Grafana.

Each runs where its program is installed, with the configuration that compose.yaml uses, too.
"""

import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack import collector, grafana
from deploy.stack.observer import (
    COLLECTOR,
    CONFIGURATION,
    folder_of,
    found,
    inner_port,
    make_program,
)
from deploy.stack.settings import OTLP_ENDPOINT, StackSettings

RESOURCE_ATTRIBUTES = "OTEL_RESOURCE_ATTRIBUTES"
#: Jaeger 2.13, which `make observers` compiles, knows processes of one host by this alone; later ones by
#: `host.id` (cmd/query/app/querysvc/internal/adjuster/clockskew.go at v1.76.0).
OF_THIS_MACHINE = f"ip={LOOPBACK}"
_NO_FILE = Path("/dev/null")
#: Which of them takes which of the signals that go through the collector.
RECEIVERS = {"TRACES": "jaeger", "LOGS": "loki"}
_BY_NAME = re.compile(r"dns_sd_configs: \[\{names: \[([a-z-]+)\], [^]]*\}\]$", re.MULTILINE)


def observers(settings: StackSettings, without: Collection[str] = ()) -> list[Program]:
    """Return the wanted servers whose programs are installed; Prometheus needs `prepare` before it starts."""
    programs = {name: found(name) for name in settings.observers if name not in without}
    running = {name: program for name, program in programs.items() if program}
    receivers = [name for name in running if name in RECEIVERS.values()]
    if not receivers:
        # There is nobody to send to.
        running.pop(COLLECTOR, None)
    makers: dict[str, Callable[[StackSettings, str], Program]] = {
        COLLECTOR: partial(_collector, receivers=receivers),
        "jaeger": _jaeger,
        "prometheus": _prometheus,
        "loki": _loki,
        "grafana": grafana.make,
    }
    return [makers[name](settings, program) for name, program in running.items()]


def missing(settings: StackSettings) -> list[str]:
    """Return the wanted servers whose programs are not installed."""
    return [name for name in settings.observers if not found(name)]


def environment(settings: StackSettings, running: Iterable[Program]) -> dict[str, str]:
    """Return what makes the services send to the stack's own collector, if it runs, what a server takes."""
    names = {program.name for program in running}
    if settings.otlp_endpoint or COLLECTOR not in names:
        return {}
    nowhere = {f"OTEL_{signal}_EXPORTER": "none" for signal in unwanted_signals(settings, names)}
    of_user = settings.values.get(RESOURCE_ATTRIBUTES)
    return {
        OTLP_ENDPOINT: f"http://{LOOPBACK}:{settings.port('OTLP_PORT')}",
        RESOURCE_ATTRIBUTES: f"{OF_THIS_MACHINE},{of_user}" if of_user else OF_THIS_MACHINE,
        **nowhere,
    }


def unwanted_signals(settings: StackSettings, running: Collection[str]) -> list[str]:
    """Return the signals that no server takes, unless they go to somebody else's collector."""
    if settings.otlp_endpoint:
        return []
    return [signal for signal, server in RECEIVERS.items() if server not in running]


def prepare(settings: StackSettings, running: Iterable[Program]) -> None:
    """Write what depends on where everything is, and on what runs, for those that read it."""
    running = list(running)
    for program in running:
        if program.name == COLLECTOR:
            _configure_collector(program, {other.name for other in running})
    links = (CONFIGURATION / "jaeger-ui.json").read_text()
    shown = links.replace(StackSettings.load(_NO_FILE, {}).dashboard_url, settings.dashboard_url)
    (folder_of(settings, "jaeger") / "ui.json").write_text(shown)
    folder = folder_of(settings, "prometheus")
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


def _configure_collector(program: Program, running: Collection[str]) -> None:
    file = program.command.arguments[-1]
    text = (CONFIGURATION / "collector.yaml").read_text()
    Path(file).write_text(collector.configuration(text, running))


def local_configuration(text: str, folder: Path) -> str:
    """Return Prometheus' configuration with targets from files in that folder instead of from DNS."""

    def from_file(found: re.Match[str]) -> str:
        return f"file_sd_configs: [{{files: [{json.dumps(str(_target_file(folder, found[1])))}]}}]"

    rules = json.dumps(str(CONFIGURATION / "alerts/*.yml"))
    return _BY_NAME.sub(from_file, text).replace("[alerts/*.yml]", f"[{rules}]")


def _collector(settings: StackSettings, program: str, receivers: Sequence[str]) -> Program:
    http, grpc = settings.port("OTLP_PORT"), settings.port("OTLP_GRPC_PORT")
    health, metrics = inner_port(settings, "collector-health"), inner_port(settings, "collector-metrics")
    environment = {
        "COLLECTOR_HOST": LOOPBACK,
        "COLLECTOR_HTTP_PORT": str(http),
        "COLLECTOR_GRPC_PORT": str(grpc),
        "COLLECTOR_HEALTH_PORT": str(health),
        "COLLECTOR_METRICS_PORT": str(metrics),
        "JAEGER_OTLP": f"{LOOPBACK}:{inner_port(settings, 'jaeger-otlp')}",
        "LOKI_OTLP": f"http://{LOOPBACK}:{settings.port('LOKI_PORT')}/otlp",
    }
    ports = {http: "TURNSTILE_OTLP_PORT", grpc: "TURNSTILE_OTLP_GRPC_PORT"}
    ports |= dict.fromkeys((health, metrics), "TURNSTILE_OBSERVABILITY_PORT")
    # Its name says what is in it, so that the collector starts again when that changes.
    file = folder_of(settings, COLLECTOR) / f"to-{'-'.join(receivers)}.yaml"
    arguments = (program, "--config", str(file))
    made = make_program(settings, COLLECTOR, arguments, environment, ports, f"{health}/")
    return replace(made, metrics=(COLLECTOR, metrics))


def _jaeger(settings: StackSettings, program: str) -> Program:
    port, health = settings.port("JAEGER_PORT"), inner_port(settings, "jaeger-health")
    otlp, grpc = inner_port(settings, "jaeger-otlp"), inner_port(settings, "jaeger-grpc")
    environment = {
        "JAEGER_LISTEN_HOST": LOOPBACK,
        "JAEGER_PORT": str(port),
        "JAEGER_GRPC_PORT": str(grpc),
        "JAEGER_OTLP_PORT": str(otlp),
        "JAEGER_HEALTH_PORT": str(health),
        "JAEGER_UI": str(folder_of(settings, "jaeger") / "ui.json"),
        "JAEGER_FOLDER": str(folder_of(settings, "jaeger")),
    }
    ports = {port: "TURNSTILE_JAEGER_PORT"}
    ports |= dict.fromkeys((otlp, grpc, health), "TURNSTILE_OBSERVABILITY_PORT")
    arguments = (program, "--config", str(CONFIGURATION / "jaeger.yaml"))
    return make_program(settings, "jaeger", arguments, environment, ports, f"{health}/status")


def _prometheus(settings: StackSettings, program: str) -> Program:
    port, folder = settings.port("PROMETHEUS_PORT"), folder_of(settings, "prometheus")
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
    prometheus = make_program(settings, "prometheus", arguments, {}, ports, f"{port}/-/ready")
    return replace(prometheus, metrics=("prometheus", port))


def _loki(settings: StackSettings, program: str) -> Program:
    port, inner = settings.port("LOKI_PORT"), inner_port(settings, "loki-grpc")
    environment = {
        "LOKI_HOST": LOOPBACK,
        "LOKI_PORT": str(port),
        "LOKI_GRPC_PORT": str(inner),
        "LOKI_FOLDER": str(folder_of(settings, "loki")),
    }
    ports = {port: "TURNSTILE_LOKI_PORT", inner: "TURNSTILE_OBSERVABILITY_PORT"}
    arguments = (program, f"-config.file={CONFIGURATION / 'loki.yaml'}", "-config.expand-env=true")
    # It calls itself ready only after 15 seconds, but takes logs before.
    return make_program(
        settings, "loki", arguments, environment, ports, f"{port}/loki/api/v1/status/buildinfo"
    )


def _target_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
