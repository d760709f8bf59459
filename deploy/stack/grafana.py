"""Grafana as a process."""

from pathlib import Path

from deploy.processes.ports import LOOPBACK
from deploy.processes.supervision import Program
from deploy.stack.observer import CONFIGURATION, folder_of, make_program
from deploy.stack.settings import StackSettings


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
