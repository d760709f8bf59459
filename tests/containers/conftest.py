"""The compose stack, brought up once for all tests of this folder.

OFFLINE_IMAGES names a command that provides the images where no registry can be reached.
"""

import os
import secrets
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from deploy import ROOT
from deploy.processes import marked
from deploy.processes.ports import reserved
from deploy.stack.containers import ContainerStack
from deploy.stack.settings import PREFIX
from tests.containers.compose_stack import ComposeStack

PORTS = (
    "PUBLISHER_PORT",
    "DASHBOARD_PORT",
    "RABBITMQ_PORT",
    "RABBITMQ_MANAGEMENT_PORT",
    "AZURITE_BLOB_PORT",
    "AZURITE_QUEUE_PORT",
    "AZURITE_TABLE_PORT",
    "JAEGER_PORT",
    "PROMETHEUS_PORT",
    "OTLP_PORT",
    "OTLP_GRPC_PORT",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """These tests need a container engine and minutes, so they run only when this folder is asked for."""
    here = Path(__file__).parent
    asked = (
        (config.invocation_params.dir / argument.partition("::")[0]).resolve() for argument in config.args
    )
    return None if any(path.is_relative_to(here) for path in asked) else True


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A container engine with the images; one that only these tests needed ends with them."""
    answered_before = ContainerStack.engine_answers()
    provide = os.environ.get("OFFLINE_IMAGES")
    if provide:
        subprocess.run(shlex.split(provide), cwd=ROOT, check=True)
    assert ContainerStack.engine_answers(), "No Docker engine with Compose answers."
    yield
    if provide:
        subprocess.run(["docker", "builder", "prune", "--force", "--keep-storage", "1GB"], check=True)
    if provide and not answered_before:
        marked.end([psutil.Process(int(Path("/run/docker.pid").read_text()))], grace=60)


@pytest.fixture(scope="session")
def stack(engine: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeStack]:
    """The unmodified compose.yaml under a project name, ports and folders of its own."""
    data = tmp_path_factory.mktemp("stack")
    data.chmod(0o755)
    with reserved(len(PORTS)) as ports:
        foreign = {name for name in os.environ if name.startswith(PREFIX)}
        environment = {name: value for name, value in os.environ.items() if name not in foreign}
        environment |= {PREFIX + name: str(port) for name, port in zip(PORTS, ports, strict=True)}
        environment |= {
            "COMPOSE_PROJECT_NAME": f"turnstile-test-{secrets.token_hex(4)}",
            "RUNTIME": "docker",
            "TURNSTILE_DATA_FOLDER": str(data),
            # Grafana and Loki are shown to be well configured without being run.
            "TURNSTILE_OBSERVABILITY": "otel-collector,jaeger,prometheus",
            # Although nothing takes them: the collector has to live with that.
            "OTEL_LOGS_EXPORTER": "otlp",
            # The shortest there is: what a killed worker held is free again sooner.
            "TURNSTILE_LEASE_SECONDS": "15",
        }
        stack = ComposeStack(environment)
        try:
            stack.make("up")
            yield stack
        finally:
            stack.compose("down", "--volumes", "--rmi", "local", "--timeout", "5")
