"""The effect sink as a process, and what it has seen."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from deploy.processes.command import Command
from tests.e2e.services import ROOT
from tests.e2e.waiting import until


@dataclass(frozen=True)
class Effect:
    """One effect that was asked for; `at` is the boot-time clock of the machine."""

    key: str
    fence: int
    job: str
    step: str
    #: Process ids.
    worker: int
    runner: int
    at: float
    accepted: bool
    highest: int
    slot: int = 0


class Sink:
    """Runs the sink and reads its ledger."""

    def __init__(self, folder: Path) -> None:
        self._ledger = folder / "effects.jsonl"
        self._ledger.touch()
        self._offset = 0
        self._effects: list[Effect] = []
        command = Command(
            (sys.executable, "-m", "loadtest.effect_sink", str(self._ledger)), when_orphaned="TERM"
        )
        self._popen = subprocess.Popen(command.argv(), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._popen.stdout is not None
        self.address = f"127.0.0.1:{int(self._popen.stdout.readline())}"

    def effects(self, lock: str, job_id: str | None = None) -> list[Effect]:
        """Return the effects under a lock, refused ones too, in the order in which they arrived."""
        self._read()
        return [
            effect for effect in self._effects if effect.key == lock and (job_id or effect.job) == effect.job
        ]

    def wait_for_effect(self, lock: str, job_id: str, *, more_than: int = 0, within: float = 60) -> Effect:
        """Wait until a job has had more effects than `more_than`; return the latest."""
        found = until(
            lambda: self.effects(lock, job_id)[more_than:],
            within,
            f"more than {more_than} effects of job {job_id}",
        )
        return found[-1]

    def close(self) -> None:
        """End the process."""
        self._popen.terminate()
        self._popen.wait(10)
        assert self._popen.stdout is not None
        self._popen.stdout.close()

    def _read(self) -> None:
        with self._ledger.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._effects.append(Effect(**json.loads(line)))
