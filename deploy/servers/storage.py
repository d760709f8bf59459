"""Azurite, the storage emulator, as a process of its own on ports and a folder of its own."""

import http.client
from dataclasses import dataclass
from pathlib import Path

from deploy import ROOT
from deploy.processes.command import Command
from deploy.processes.ports import LOOPBACK
from deploy.servers import nodejs

ACCOUNT = "devstoreaccount1"
#: Published with the emulator and the same everywhere; it opens nothing but emulators.
ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
PACKAGE_FOLDER = ROOT / "deploy/azurite"
#: What the emulator keeps its data in: SQLite files; or, unchanged, memory and a copy of it every 5 s.
INDEXED, EMULATOR = "indexed", "emulator"


@dataclass(frozen=True)
class StoragePorts:
    """The ports of the three services that the emulator offers."""

    blob: int
    queue: int
    table: int


@dataclass(frozen=True)
class Storage:
    """One Azurite and the folder with all that it keeps."""

    folder: Path
    ports: StoragePorts
    in_memory: bool = False
    kept_in: str = INDEXED

    @property
    def connection_string(self) -> str:
        """What clients connect with."""
        return connection_string(LOOPBACK, self.ports)

    def prepare(self) -> None:
        """Make the folder that the command writes to."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)

    def command(self) -> Command:
        """Return the emulator's command."""
        options = [
            "--silent",
            "--disableTelemetry",
            # The SDKs speak newer versions than the emulator admits to know.
            "--skipApiVersionCheck",
        ]
        for service, port in (
            ("blob", self.ports.blob),
            ("queue", self.ports.queue),
            ("table", self.ports.table),
        ):
            options += [f"--{service}Host", LOOPBACK, f"--{service}Port", str(port)]
        options += ["--inMemoryPersistence"] if self.in_memory else ["--location", str(self.folder / "data")]
        program = PACKAGE_FOLDER / "node_modules/azurite/dist/src/azurite.js"
        preload = ["--require", str(PACKAGE_FOLDER / "local_storage/preload.js")]
        node = [nodejs.program(), *(preload if self.kept_in == INDEXED else [])]
        environment = {"TURNSTILE_LOCAL_STORAGE": self.kept_in}
        return Command((*node, str(program), *options), environment, self.folder, when_orphaned="TERM")

    def is_ready(self) -> bool:
        """Return whether the services that Turnstile uses answer requests."""
        return _answers_http(self.ports.blob) and _answers_http(self.ports.table)


def connection_string(host: str, ports: StoragePorts) -> str:
    """Return the connection string of an emulator on that host."""
    endpoints = (("Blob", ports.blob), ("Queue", ports.queue), ("Table", ports.table))
    parts = ["DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={ACCOUNT_KEY}"]
    parts += [f"{name}Endpoint=http://{host}:{port}/{ACCOUNT}" for name, port in endpoints]
    return ";".join(parts) + ";"


def _answers_http(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=1)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
