"""The journal's own transactions without anything around them: what the storage alone would do."""

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.servers import installation

from bench.contestant import Installation, Setting, handler_environment
from bench.contestants.processes import inherited, run, workers
from bench.programs.journal_program import LINE, NAMESPACE, STORAGE
from bench.servers import Servers

_PROGRAM = (sys.executable, "-m", "bench.programs.journal_program")


class JournalTransactions:
    """Turnstile's storage without Turnstile's services."""

    key = "journal"
    name = "journal transactions"
    about = (
        "the transactions that Turnstile writes for the same jobs, sent one after another for each lock by a "
        "process that knows all tickets: no lease, no broker, no runner, no trail; a floor."
    )
    has_steps = True
    has_history = False
    is_floor = True

    def install(self) -> None:
        """Install what it needs, where that is missing. Raises InstallError."""
        installation.ensure_installed()

    @contextmanager
    def running(self, folder: Path, servers: Servers, setting: Setting) -> Iterator[Installation]:
        """Run it with an empty storage of its own as long as the context lasts."""
        with servers.azurite(folder / "storage") as storage:
            variables = inherited(
                **handler_environment(folder),
                **{
                    STORAGE: storage.connection_string,
                    NAMESPACE: f"b{uuid.uuid4().hex[:12]}",
                    LINE: str(folder / "line"),
                },
            )
            run([*_PROGRAM, "prepare"], variables)
            with workers(1, [*_PROGRAM, "worker"], variables, folder) as processes:
                yield Installation(
                    folder,
                    client=(*_PROGRAM, "client"),
                    environment=variables,
                    programs={"worker": [*processes]},
                    more_roots=lambda: {"storage": [storage.pid or 0]},
                )
