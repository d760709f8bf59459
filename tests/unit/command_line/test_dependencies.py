"""What the command needs to be installed: for everything but `verify`, no more than it names itself."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import packages_distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

#: Packages of this repository that are not among the command's own.
_OURS = {
    "audit_projector",
    "azure_storage",
    "coordination",
    "proof",
    "publisher",
    "sample_jobs",
    "scheduler",
    "service_defaults",
    "submission",
    "verification",
    "worker",
}

#: Runs the command in a process that has no other packages installed.
_RUN = """
import json, sys

class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

missing = set(json.loads(sys.argv.pop(1)))
sys.meta_path.insert(0, NotInstalled())
from command_line.main import app
app()
"""


def needed(distribution: str) -> set[str]:
    """Return a distribution and all that it needs without extras of its own."""
    found: set[tuple[str, str]] = set()
    left = [(distribution, "")]
    while left:
        name, extra = left.pop()
        name = canonicalize_name(name)
        if (name, extra) not in found:
            found.add((name, extra))
            wanted = map(Requirement, requires(name) or [])
            needed_here = [
                one for one in wanted if one.marker is None or one.marker.evaluate({"extra": extra})
            ]
            left += [(one.name, each) for one in needed_here for each in ("", *one.extras)]
    return {name for name, _ in found}


@pytest.fixture(scope="module")
def missing() -> set[str]:
    """Return the modules of packages that the command does not need."""
    ours = needed("turnstile-cli")
    others = {
        module
        for module, distributions in packages_distributions().items()
        if not ours & set(map(canonicalize_name, distributions))
    }
    return others | _OURS


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve a publisher that has no jobs and accepts all."""

    class Publisher(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"items": [], "next": None})

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self._answer(202, {"job_id": asked["job_id"], "lock": asked["lock"], "status": "Queued"})

        def _answer(self, status: int, document: object) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(document).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def run(words: list[str], missing: set[str], url: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _RUN, json.dumps(sorted(missing)), *words]
    environment = os.environ | {"TURNSTILE_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_is_missing_is_what_services_are_made_of(missing: set[str]) -> None:
    assert {"faststream", "aio_pika", "azure", "aiohttp", "opentelemetry", "fastapi"} <= missing
    ours = {"contracts", "command_line", "httpx", "httpx_sse", "turnstile", "typer", "rich", "pydantic"}
    assert not ours & missing


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--help"], "Run long jobs one at a time per lock"),
        (["verify", "--help"], "Check from the records"),
        (["jobs"], "There are no jobs yet"),
        (["events", "--json"], '"items": []'),
        (["kinds"], "No worker has published its kinds yet"),
        (["submit", "ten-steps", "--lock", "ledger"], "on lock ledger."),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_run_where_only_their_own_packages_are_installed(
    missing: set[str], url: str, words: list[str], said: str
) -> None:
    done = run(words, missing, url)

    assert (done.returncode, done.stderr) == (0, "")
    assert said in done.stdout


def test_verify_says_what_to_install(missing: set[str]) -> None:
    done = run(["verify"], missing)

    assert (done.returncode, done.stdout) == (2, "")
    assert "verify needs packages that are not installed" in done.stderr
    assert "install turnstile-cli[verify]" in done.stderr
