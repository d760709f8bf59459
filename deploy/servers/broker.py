"""RabbitMQ from the distribution's package, as a node of its own that needs no service manager."""

import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.processes.asking import printed
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK

#: The `rabbitmq-server` on the PATH changes the user and forgets the environment; the one in here does not.
SCRIPTS = Path("/usr/lib/rabbitmq/bin")
#: The oldest version with what the queues ask for: at-least-once dead-lettering, time limits of messages.
OLDEST = (3, 10)
_ASK_SECONDS = 60
_PROTOCOL_HEADER = b"AMQP\x00\x00\x09\x01"


@dataclass(frozen=True)
class BrokerPorts:
    """The ports of a node; the port mapper is its own, so that stopping it harms no other node."""

    amqp: int
    distribution: int
    mapper: int
    management: int | None = None
    metrics: int | None = None


@dataclass(frozen=True)
class Broker:
    """One RabbitMQ node on the loopback interface and the folder with all that it keeps."""

    folder: Path
    ports: BrokerPorts
    user: str = "turnstile"
    password: str = "turnstile"
    memory: str = "1GB"

    @property
    def url(self) -> str:
        """Where clients connect."""
        user, password = (quote(text, safe="") for text in (self.user, self.password))
        return f"amqp://{user}:{password}@{LOOPBACK}:{self.ports.amqp}/"

    def prepare(self) -> None:
        """Write the configuration that the commands read."""
        for name in ("home", "data", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(self._configuration())
        (self.folder / "env.conf").write_text("")
        wanted = {"rabbitmq_management": self.ports.management, "rabbitmq_prometheus": self.ports.metrics}
        plugins = ",".join(name for name, port in wanted.items() if port)
        (self.folder / "enabled_plugins").write_text(f"[{plugins}].\n")

    def mapper_command(self) -> Command:
        """Return the port mapper, in the foreground: started by the node it would outlive the node."""
        arguments = ("epmd", "-port", str(self.ports.mapper), "-address", LOOPBACK)
        return Command(arguments, folder=self.folder, when_orphaned="KILL")

    def command(self) -> Command:
        """Return the node itself."""
        environment = {
            "HOME": str(self.folder / "home"),
            "RABBITMQ_NODENAME": "turnstile@localhost",
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "env.conf"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            # Not in the configuration, where a "#" in them would begin a comment.
            "RABBITMQ_DEFAULT_USER": self.user,
            "RABBITMQ_DEFAULT_PASS": self.password,
            "ERL_EPMD_PORT": str(self.ports.mapper),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 -kernel inet_dist_use_interface {127,0,0,1}",
            # Makes the start script become the node instead of guarding it, so that signals reach the node.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        return Command((str(self._script()),), environment, self.folder, when_orphaned="TERM")

    def control_command(self, *arguments: str) -> Command:
        """Return a command to the running node."""
        # The one on the PATH may be a script that works for the node of the distribution only.
        own = SCRIPTS / "rabbitmqctl"
        program = str(own if own.exists() else shutil.which("rabbitmqctl") or own)
        return Command((program, *arguments), self.command().environment, self.folder)

    def is_ready(self) -> bool:
        """Return whether the node speaks AMQP: its listener opens last, after queues are recovered."""
        try:
            with socket.create_connection((LOOPBACK, self.ports.amqp), timeout=1) as connection:
                connection.sendall(_PROTOCOL_HEADER)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _configuration(self) -> str:
        lines = [
            f"listeners.tcp.default = {LOOPBACK}:{self.ports.amqp}",
            "loopback_users = none",
            "log.file = false",
            "log.console = true",
            "log.console.level = warning",
            f"vm_memory_high_watermark.absolute = {self.memory}",
            "disk_free_limit.absolute = 200MB",
            # The default log of 512 MB is reserved at every start.
            "raft.wal_max_size_bytes = 67108864",
        ]
        if self.ports.management:
            lines += [f"management.tcp.ip = {LOOPBACK}", f"management.tcp.port = {self.ports.management}"]
        if self.ports.metrics:
            lines += [f"prometheus.tcp.ip = {LOOPBACK}", f"prometheus.tcp.port = {self.ports.metrics}"]
        return "\n".join(lines) + "\n"

    @staticmethod
    def _script() -> Path:
        own = SCRIPTS / "rabbitmq-server"
        return own if own.exists() else Path(shutil.which("rabbitmq-server") or own)


def is_installed() -> bool:
    """Return whether there is a RabbitMQ on this machine."""
    return (SCRIPTS / "rabbitmq-server").exists() or shutil.which("rabbitmq-server") is not None


def installed_version() -> tuple[int, ...]:
    """Return the version of the RabbitMQ on this machine, or nothing when it does not say it."""
    # The package's folder has it in its name; to ask the program takes a second.
    found = [path.name for path in (SCRIPTS.parent / "lib").glob("rabbitmq_server-*")]
    if not found and (program := shutil.which("rabbitmqctl")):
        said = printed([program, "version"], _ASK_SECONDS)
        found = (said or "").splitlines()[-1:]
    return max(map(numbers, found), default=())


def numbers(version: str) -> tuple[int, ...]:
    """Return the first two numbers of a version, or nothing."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()
