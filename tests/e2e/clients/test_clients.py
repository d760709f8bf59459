"""Clients that stock generators make from `/openapi.json`: each submits a job and watches it to its end."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deploy import ROOT
from tests.e2e.clients import generating
from tests.e2e.stack import Stack

from contracts.identifiers import new_id

pytestmark = pytest.mark.e2e

Generate = Callable[[Path, Path], list[str]]

#: What each program sees, whatever language it is written in.
SEEN = {
    "accepted": True,
    "again": True,
    "status": "Completed",
    "result": {"steps": 2, "done_before": 0},
    "ran_under_a_fence": True,
    "events_are_of_the_job": True,
    "late": "Completed",
    "missing": "urn:turnstile:problem:no_such_job",
    "listed": True,
    "batch": [202, 422],
    "wrong_fields": ["priority"],
}


@pytest.fixture
def document(stack: Stack, tmp_path: Path) -> Path:
    """Return the document of the running publisher, as a file."""
    path = tmp_path / "openapi.json"
    path.write_text(stack.api.client.get("/openapi.json").raise_for_status().text)
    return path


@pytest.mark.parametrize(
    "generate", [generating.python, generating.typescript, generating.go, generating.java]
)
def test_a_generated_client_submits_a_job_and_watches_it(
    stack: Stack, document: Path, tmp_path: Path, generate: Generate
) -> None:
    folder = tmp_path / "client"
    folder.mkdir()
    command = generate(document, folder)
    stack.crew(1)
    # Characters that have a meaning in addresses, and some that ASCII does not have.
    lock, job_id = f"Büro/7 +%2F?{new_id()}", new_id()

    seen: dict[str, Any] = json.loads(
        generating.run([*command, stack.publisher.url, lock, job_id], folder).stdout
    )

    assert seen.pop("actor") == generate.__name__
    events = seen.pop("events")
    assert events[:3] == ["Submitted", "LeaseAcquired", "Started"]
    assert (events.count("Step"), events[-1]) == (2, "Completed")
    assert seen == SEEN


@pytest.mark.parametrize("make", [generating.python, generating.typescript])
def test_the_examples_of_the_documentation_work(
    stack: Stack, document: Path, tmp_path: Path, make: Callable[[Path, Path, Path], list[str]]
) -> None:
    language = make.__name__
    mark = re.escape(f"<!-- tested: {language} -->\n```{language}\n")
    (example,) = re.findall(rf"{mark}(.*?)```\n", (ROOT / "docs/http-api.md").read_text(), re.DOTALL)
    # Ten steps of a second would tell no more.
    shortened = example.replace('"ten-steps"', '"nothing"')
    assert shortened != example
    program, folder = tmp_path / "example", tmp_path / "client"
    program.write_text(shortened)
    folder.mkdir()
    command = make(document, folder, program)
    stack.crew(1)

    printed = generating.run([*command, stack.publisher.url], folder).stdout.split()

    assert printed[-1] == "Completed"
    assert set(printed) <= {"Queued", "Running", "Completed"}
