"""The settings of a stack on one machine: the environment first, then .env, then the defaults below."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from deploy import ROOT
from deploy.errors import SettingError
from deploy.processes.ports import LOOPBACK
from deploy.servers.broker import Broker, BrokerPorts
from deploy.servers.storage import EMULATOR, INDEXED, Storage, StoragePorts
from service_defaults.web_addresses import checked_web_address

PREFIX = "TURNSTILE_"
#: The servers that show what happens; Turnstile works as well without any of them.
OBSERVERS = ("otel-collector", "jaeger", "prometheus", "loki", "grafana")
#: Settings of the stack that no service reads.
_NOT_FOR_SERVICES = (PREFIX + "GRAFANA_", PREFIX + "OBSERVABILITY", PREFIX + "LOCAL_STORAGE")
#: Prefix of the other settings that services read.
_TELEMETRY_PREFIX = "OTEL_"
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_RUNTIME = "RUNTIME"
_HIGHEST_PORT = 65_535
#: How long a worker may take to stop in addition to the grace periods of its jobs.
_HAND_OVER_SECONDS = 10
#: Of one machine.
MOST_WORKERS = 256
_DEFAULTS = {
    "DATA_FOLDER": ".data",
    "WORKERS": "2",
    "GRACE_SECONDS": "20",
    "CANCEL_GRACE_SECONDS": "5",
    "RUNNER_START_SECONDS": "60",
    "PUBLISHER_PORT": "8000",
    "WORKER_PORT": "8010",
    "AUDIT_PROJECTOR_PORT": "8030",
    "SCHEDULER_PORT": "8040",
    "DASHBOARD_PORT": "8050",
    "INGRESS_PORT": "8060",
    "RABBITMQ_PORT": "5672",
    "RABBITMQ_MANAGEMENT_PORT": "15672",
    "RABBITMQ_USER": "turnstile",
    "RABBITMQ_PASSWORD": "turnstile",
    "AZURITE_BLOB_PORT": "10000",
    "AZURITE_QUEUE_PORT": "10001",
    "AZURITE_TABLE_PORT": "10002",
    "LOCAL_STORAGE": INDEXED,
    "OBSERVABILITY": ",".join(OBSERVERS),
    "GRAFANA_PORT": "3000",
    "JAEGER_PORT": "16686",
    "PROMETHEUS_PORT": "9090",
    "LOKI_PORT": "3100",
    "OTLP_PORT": "4318",
    "OTLP_GRPC_PORT": "4317",
    "RABBITMQ_METRICS_PORT": "15692",
    "OBSERVABILITY_PORT": "24318",
    "GRAFANA_USER": "admin",
    "GRAFANA_PASSWORD": "admin",
    "GRAFANA_ANONYMOUS": "true",
}


#: The settings that are ports and have a default.
PORTS = tuple(name for name in _DEFAULTS if name.endswith("_PORT"))


@dataclass(frozen=True)
class StackSettings:
    """All settings of one stack."""

    values: Mapping[str, str]

    @classmethod
    def load(
        cls, env_file: Path = ROOT / ".env", environment: Mapping[str, str] = os.environ
    ) -> "StackSettings":
        """Read the settings; an empty value counts as none."""
        ours = (PREFIX, _TELEMETRY_PREFIX, _RUNTIME)
        defaults = {PREFIX + name: value for name, value in _DEFAULTS.items()}
        given = [dotenv_values(env_file, interpolate=False), environment]
        wanted = [
            {name: value for name, value in source.items() if value and name.startswith(ours)}
            for source in given
        ]
        return cls({**defaults, **wanted[0], **wanted[1]})

    def text(self, name: str) -> str | None:
        """Return a setting by its name without the prefix."""
        return self.values.get(PREFIX + name)

    def whole(self, name: str) -> int:
        """Return a setting that is a whole number."""
        value = self.values[PREFIX + name]
        try:
            return int(value)
        except ValueError:
            message = f"{PREFIX}{name} must be a whole number, not {value!r}"
            raise SettingError(message) from None

    def port(self, name: str) -> int:
        """Return a setting that is a port."""
        return self.number(name, 1, _HIGHEST_PORT)

    def number(self, name: str, least: int, most: int) -> int:
        """Return a setting that is a whole number within these bounds."""
        number = self.whole(name)
        if not least <= number <= most:
            message = f"{PREFIX}{name} must be from {least} to {most}, not {number}"
            raise SettingError(message)
        return number

    def web_address(self, name: str) -> str | None:
        """Return a setting that is the address of a web server, if it is set."""
        try:
            return checked_web_address(self.text(name))
        except ValueError as error:
            message = f"{PREFIX}{name} {error}"
            raise SettingError(message) from None

    @property
    def runtime(self) -> str | None:
        """How the stack is to run, if that is set."""
        return self.values.get(_RUNTIME)

    @property
    def data(self) -> Path:
        """The folder with everything that outlives a stop."""
        return (ROOT / self.values[PREFIX + "DATA_FOLDER"]).resolve()

    @property
    def inputs(self) -> Path:
        """The folder that the checksum job may read."""
        return (ROOT / (self.text("INPUT_FOLDER") or self.data / "inputs")).resolve()

    @property
    def start_seconds(self) -> float:
        """How long a service may take to be ready: a worker starts a runner first."""
        return self._seconds("RUNNER_START_SECONDS") + 60

    @property
    def workers(self) -> int:
        """How many workers run."""
        return self.number("WORKERS", 0, MOST_WORKERS)

    @property
    def stop_seconds(self) -> int:
        """How long a service may take to stop before it is killed.

        A worker lets its jobs continue for the one grace period, lets their handlers stop for the other, and
        hands over.
        """
        grace = self._seconds("GRACE_SECONDS") + self._seconds("CANCEL_GRACE_SECONDS")
        return math.ceil(grace) + _HAND_OVER_SECONDS

    def _seconds(self, name: str) -> float:
        """Return a setting that is a duration in seconds."""
        value = self.values[PREFIX + name]
        try:
            return float(value)
        except ValueError:
            message = f"{PREFIX}{name} must be a number of seconds, not {value!r}"
            raise SettingError(message) from None

    @property
    def observers(self) -> tuple[str, ...]:
        """Which of the servers that show what happens are to run."""
        value = self.values[PREFIX + "OBSERVABILITY"]
        names = [name.strip() for name in value.split(",")] if value != "none" else []
        if not set(names) <= set(OBSERVERS):
            message = f"{PREFIX}OBSERVABILITY must be none or some of {','.join(OBSERVERS)}, not {value!r}"
            raise SettingError(message)
        return tuple(name for name in OBSERVERS if name in names)

    @property
    def otlp_endpoint(self) -> str | None:
        """Where the services send traces and logs, if that is set."""
        return self.values.get(OTLP_ENDPOINT)

    @property
    def url(self) -> str:
        """Where people and the command line reach the API."""
        return self.web_address("URL") or f"http://{LOOPBACK}:{self.port('PUBLISHER_PORT')}"

    @property
    def dashboard_url(self) -> str:
        """Where people reach the dashboard."""
        return self.web_address("DASHBOARD_URL") or f"http://{LOOPBACK}:{self.port('DASHBOARD_PORT')}"

    @property
    def own_broker(self) -> Broker | None:
        """The RabbitMQ that belongs to this stack, unless another is named."""
        if self.text("RABBITMQ_URL"):
            return None
        amqp = self.port("RABBITMQ_PORT")
        ports = BrokerPorts(
            amqp,
            self._beside(amqp, 20_000, "RABBITMQ_DISTRIBUTION_PORT"),
            self._beside(amqp, 20_001, "RABBITMQ_MAPPER_PORT"),
            self.port("RABBITMQ_MANAGEMENT_PORT"),
            self.port("RABBITMQ_METRICS_PORT"),
        )
        user, password = self._plain("RABBITMQ_USER"), self._plain("RABBITMQ_PASSWORD")
        return Broker(self.data / "rabbitmq", ports, user, password)

    @property
    def own_storage(self) -> Storage | None:
        """The storage emulator that belongs to this stack, unless another storage is named."""
        if self.text("STORAGE_CONNECTION_STRING") or self.text("STORAGE_BLOB_URL"):
            return None
        names = ("AZURITE_BLOB_PORT", "AZURITE_QUEUE_PORT", "AZURITE_TABLE_PORT")
        ports = StoragePorts(*map(self.port, names))
        return Storage(self.data / "azurite", ports, kept_in=self.local_storage)

    @property
    def local_storage(self) -> str:
        """What the storage emulator keeps its data in."""
        value = self.values[PREFIX + "LOCAL_STORAGE"]
        if value not in (INDEXED, EMULATOR):
            message = f"{PREFIX}LOCAL_STORAGE must be {INDEXED} or {EMULATOR}, not {value!r}"
            raise SettingError(message)
        return value

    def for_services(self) -> dict[str, str]:
        """Return what every service of a stack without containers finds in its environment."""
        foreign = (_RUNTIME, *_NOT_FOR_SERVICES)
        own = {name: value for name, value in self.values.items() if not name.startswith(foreign)}
        environment = {name: value for name, value in own.items() if not name.endswith("_PORT")}
        environment[PREFIX + "INPUT_FOLDER"] = str(self.inputs)
        if self.own_broker:
            environment[PREFIX + "RABBITMQ_URL"] = self.own_broker.url
        if self.own_storage:
            environment[PREFIX + "STORAGE_CONNECTION_STRING"] = self.own_storage.connection_string
        return environment

    def _plain(self, name: str) -> str:
        """Return a setting that RabbitMQ reads from its environment, where it knows ASCII alone."""
        value = self.values[PREFIX + name]
        if not (value.isascii() and value.isprintable()):
            message = f"{PREFIX}{name} must consist of letters, digits and other signs of ASCII"
            raise SettingError(message)
        return value

    def _beside(self, base: int, distance: int, name: str) -> int:
        if self.text(name):
            return self.port(name)
        return base + distance if base + distance <= _HIGHEST_PORT else base - distance
