"""Grafana as a process."""

from pathlib import Path

from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack.observer import CONFIGURATION, folder_of, found, make_program, version_of
from deploy.stack.settings import StackSettings

#: Older ones do not put variables into queries for Jaeger: https://github.com/grafana/grafana/issues/115513
_OLDEST = (12, 4)


def complaint(settings: StackSettings) -> str | None:
    """Return what to say of a Grafana that is too old for the dashboards."""
    program = found("grafana") if "grafana" in settings.observers else None
    version = version_of(program) if program else None
    if version is None or version >= _OLDEST:
        return None
    needed, installed = (".".join(map(str, numbers)) for numbers in (_OLDEST, version))
    return f"Grafana {installed} shows no traces of jobs: install Grafana {needed} or later."


def make(settings: StackSettings, program: str) -> Program:
    """Return Grafana as a process."""
    port, folder = settings.port("GRAFANA_PORT"), folder_of(settings, "grafana")
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
    return make_program(settings, "grafana", arguments, environment, ports, f"{port}/api/health")
