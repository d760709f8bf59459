"""`make demo`: a job of some seconds, its worker killed in the middle, and the proof that nothing was lost.

Starts the stack if it is not up, submits a checksum of a large file and two more jobs on the same lock, kills
the worker that runs the first, and checks from the audit trail what came of it. The exit code shows whether
everything held.
"""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console

from command_line.api import Api, ApiError
from deploy.demo.checks import Check, check_interruption, check_runs, check_trail, runs_by_fence
from deploy.demo.screen import Screen, show_checks, show_runs, show_trail
from deploy.demo.trail import read_trails, same_events
from deploy.errors import SettingError, StackError
from deploy.stack.choice import Stack, choose
from deploy.stack.containers import ContainerStack
from deploy.stack.settings import StackSettings

_FILE_BYTES = 50 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_PAUSE_MS = 250

#: Share of the file after which the worker is killed.
_KILL_AT = 0.4

#: Width of the output, in columns, without a terminal.
_PLAIN_WIDTH = 120

#: Exit code for a setting that cannot be used.
_UNUSABLE = 2

_LOOK_EVERY = 0.25
_PATIENCE_SECONDS = 150.0

Document = Mapping[str, Any]
FoundT = TypeVar("FoundT")


class DemoError(Exception):
    """The demonstration could not continue."""


def main() -> int:
    """Run the demonstration; return 0 if everything held."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PLAIN_WIDTH
    try:
        settings = StackSettings.load()
        stack = choose(settings, os.environ.get("RUNTIME"))
        stack.up()
        with Api(settings.url) as api:
            _ensure_workers(api, stack)
            checks = _perform(api, stack, settings, console)
    except (StackError, ApiError, DemoError) as error:
        print(error, file=sys.stderr)
        return _UNUSABLE if isinstance(error, SettingError) else 1
    except subprocess.CalledProcessError as error:
        return error.returncode or 1
    show_checks(console, checks)
    held = all(check.holds for check in checks)
    console.print("\nEverything held." if held else "\nNot everything held.", style="bold")
    return 0 if held else 1


def make_input(folder: Path) -> Path:
    """Make a file of 50 MB from the files of the Python installation, unless it is there already."""
    target = folder / "demo-input.bin"
    if target.exists() and target.stat().st_size == _FILE_BYTES:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(Path(sysconfig.get_path("stdlib")).rglob("*.py"))
    half_made = folder / f".demo-input-{os.getpid()}"
    with half_made.open("wb") as output:
        while output.tell() < _FILE_BYTES:
            for source in sources:
                output.write(source.read_bytes())
        output.truncate(_FILE_BYTES)
    half_made.chmod(0o644)
    return half_made.rename(target)


def _perform(api: Api, stack: Stack, settings: StackSettings, console: Console) -> list[Check]:
    file = make_input(settings.inputs)
    lock = f"demo-{secrets.token_hex(3)}"
    titles: dict[str, str] = {}
    parameters = {"path": file.name, "chunk_bytes": _CHUNK_BYTES, "pause_ms": _PAUSE_MS}
    first = _submit(api, lock, "checksum-file", "checksum", parameters, titles)
    for name in ("second", "third"):
        _submit(api, lock, "ten-steps", name, {"steps": 10, "seconds": 0.2}, titles)
    with Screen(console, titles) as screen:
        screen.say(f"submitted a checksum of {file.name} and two more jobs, all on lock {lock}")
        running = _watch(api, lock, titles, screen, lambda jobs: jobs[0] if _is_far_enough(jobs[0]) else None)
        victim = running["worker"]
        _kill(stack, victim)
        killed_at = time.monotonic()
        screen.say(f"killed worker {victim} with SIGKILL in the middle of its work", "bold red")
        lease = settings.text("LEASE_SECONDS") or "30"
        screen.say(f"its lease of {lease} s has to run out before another worker may take over")
        resumed = _watch(api, lock, titles, screen, lambda jobs: jobs[0] if jobs[0]["attempt"] > 1 else None)
        took = time.monotonic() - killed_at
        screen.say(
            f"{resumed['worker']} took over {took:.1f} s later and continues after the last recorded step",
            "bold green",
        )
        jobs = _watch(api, lock, titles, screen, lambda jobs: jobs if _have_ended(jobs) else None)
        screen.say("all three have ended")
    _restart_container(stack, victim)
    journal = {job_id: api.items(f"/api/v1/jobs/{job_id}/events") for job_id in titles}
    trails = read_trails(settings, {job_id: len(events) for job_id, events in journal.items()})
    show_trail(console, "The audit trail of the checksum", trails[first])
    runs = runs_by_fence(trails.values())
    show_runs(console, runs, titles)
    return [
        _check_digest(jobs[0], file),
        *check_interruption(jobs[0], trails[first], victim),
        Check("the other two completed", all(job["status"] == "Completed" for job in jobs[1:])),
        Check(
            "they ran in the order of their submission",
            [*dict.fromkeys(run.job_id for run in runs)] == [*titles],
        ),
        Check(
            "the audit trail has the same events as the journal",
            all(same_events(trails[job_id], journal[job_id]) for job_id in titles),
            f"{sum(map(len, trails.values()))} events",
        ),
        *check_runs(runs),
        Check(check_trail([]).what, all(check_trail(trail).holds for trail in trails.values())),
    ]


def _submit(api: Api, lock: str, kind: str, name: str, parameters: Document, titles: dict[str, str]) -> str:
    body = {"kind": kind, "lock": lock, "name": name, "parameters": parameters}
    job_id: str = api.post("/api/v1/jobs", body)["job_id"]
    titles[job_id] = name
    return job_id


def _watch(
    api: Api,
    lock: str,
    titles: Mapping[str, str],
    screen: Screen,
    look_for: Callable[[list[Any]], FoundT | None],
) -> FoundT:
    """Show the jobs until something is found in them. Raises DemoError when it does not come."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        jobs = [api.get(f"/api/v1/jobs/{job_id}") for job_id in titles]
        screen.show(jobs, api.get(f"/api/v1/locks/{lock}"))
        found = look_for(jobs)
        if found is not None:
            return found
        if jobs[0]["status"] == "Failed":
            raise DemoError(f"The checksum failed: {jobs[0]['error']['message']}")
        time.sleep(_LOOK_EVERY)
    raise DemoError(f"Nothing happened for {_PATIENCE_SECONDS:.0f} s; `make ps` and `make logs` show more.")


def _is_far_enough(job: Document) -> bool:
    if job["status"] not in {"Queued", "Running"}:
        raise DemoError("The checksum ended before its worker could be killed; run the demonstration again.")
    progress = job["progress"]
    return bool(progress) and progress["value"] >= _KILL_AT * progress["limit"]


def _have_ended(jobs: Sequence[Document]) -> bool:
    return all(job["status"] not in {"Queued", "Running"} for job in jobs)


def _kill(stack: Stack, worker: str) -> None:
    """Kill a worker by its name: the host, which in a container is the container's id, and the process id."""
    host, _, pid = worker.rpartition("-")
    if isinstance(stack, ContainerStack):
        subprocess.run(["docker", "kill", "--signal", "KILL", host], check=True, stdout=subprocess.DEVNULL)
        return
    command = Path(f"/proc/{pid}/cmdline").read_bytes()
    if b"worker" not in command:
        raise DemoError(f"Process {pid} is not a worker of this machine, so it was not killed.")
    os.kill(int(pid), signal.SIGKILL)


def _restart_container(stack: Stack, worker: str) -> None:
    """Bring a killed container back: an engine leaves what was killed by hand as it is."""
    if isinstance(stack, ContainerStack):
        host = worker.rpartition("-")[0]
        subprocess.run(["docker", "start", host], check=True, stdout=subprocess.DEVNULL)


def _ensure_workers(api: Api, stack: Stack) -> None:
    """Wait until two workers are there that know the jobs. Raises DemoError when they do not come."""
    if len(_alive(api)) < 2:
        stack.scale(2)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        kinds = {kind["kind"] for kind in api.items("/api/v1/kinds")}
        if {"checksum-file", "ten-steps"} <= kinds and len(_alive(api)) >= 2:
            return
        time.sleep(0.5)
    raise DemoError("There are not two workers that know checksum-file and ten-steps; `make ps` shows more.")


def _alive(api: Api) -> list[Document]:
    now = datetime.now(UTC)
    workers = api.items("/api/v1/workers")
    return [w for w in workers if (now - datetime.fromisoformat(w["seen_at"])).total_seconds() < 30]


def _check_digest(job: Document, file: Path) -> Check:
    result = job["result"] or {}
    tool = shutil.which("sha256sum")
    if tool is None:
        with file.open("rb") as source:
            expected = hashlib.file_digest(source, "sha256").hexdigest()
    else:
        done = subprocess.run([tool, str(file)], capture_output=True, text=True, check=True)
        expected = done.stdout.split()[0].lstrip("\\")
    what = "the job's digest is that of sha256sum"
    given = result.get("sha256")
    return Check(what, given == expected, expected if given == expected else f"{given}, not {expected}")


if __name__ == "__main__":
    raise SystemExit(main())
