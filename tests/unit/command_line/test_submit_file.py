"""turnstile submit-file."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.unit.command_line.scripted_api import Run, ScriptedApi

PATH = "/api/v1/jobs:batch"
JOB = {"kind": "ten-steps", "lock": "ledger", "job_id": "018f6c3e-7b1a-7c4e-9d3a-0123456789ab"}


def item(status: int, **problem: Any) -> dict[str, Any]:
    return {
        "status": status,
        "job": None,
        "problem": {"detail": "It is wrong.", **problem} if problem else None,
    }


def answer(*items: dict[str, Any]) -> httpx.Response:
    return httpx.Response(200, json={"accepted": 0, "items": items})


def lines(tmp_path: Path, *jobs: Any) -> str:
    file = tmp_path / "jobs.jsonl"
    file.write_text("\n\n".join(json.dumps(job) for job in jobs) + "\n")
    return str(file)


def test_every_line_is_a_job_with_an_id(scripted: ScriptedApi, run: Run, tmp_path: Path) -> None:
    scripted.on("POST", PATH, answer(item(202), item(202)))
    result = run("submit-file", lines(tmp_path, JOB, {"kind": "other"}))
    assert (result.exit_code, result.stdout) == (0, "2 accepted, 0 submitted before, 0 not submitted.\n")
    first, second = scripted.bodies()[0]["jobs"]
    assert first == JOB
    assert (second["kind"], len(second["job_id"])) == ("other", 36)


def test_a_line_with_a_key_gets_no_id_and_may_be_submitted_before(
    scripted: ScriptedApi, run: Run, tmp_path: Path
) -> None:
    there = {"status": 200, "job": {"job_id": JOB["job_id"]}, "problem": None}
    scripted.on("POST", PATH, answer(there))
    result = run("submit-file", lines(tmp_path, {"kind": "other", "idempotency_key": "k"}), "--json")
    assert scripted.bodies()[0]["jobs"] == [{"kind": "other", "idempotency_key": "k"}]
    assert (result.exit_code, json.loads(result.stdout)["items"][0]["job_id"]) == (0, JOB["job_id"])


def test_refused_lines_are_named_and_those_submitted_before_are_none(
    scripted: ScriptedApi, run: Run, tmp_path: Path
) -> None:
    scripted.on(
        "POST", PATH, answer(item(409, same_request=True), item(422, x=1), item(409, same_request=False))
    )
    result = run("submit-file", lines(tmp_path, JOB, JOB, JOB))
    assert result.exit_code == 2
    assert result.stdout == "0 accepted, 1 submitted before, 2 not submitted.\n"
    # A blank line is between two jobs.
    assert "Error: line 3: It is wrong." in result.stderr
    assert "Error: line 5: It is wrong." in result.stderr


def test_jobs_without_a_known_outcome_are_sent_again_alone(
    scripted: ScriptedApi, run: Run, tmp_path: Path
) -> None:
    other = JOB | {"job_id": "028f6c3e-7b1a-7c4e-9d3a-0123456789ab"}
    scripted.on("POST", PATH, answer(item(202), item(503, x=1)), answer(item(202)))
    assert run("submit-file", lines(tmp_path, JOB, other)).exit_code == 0
    assert [body["jobs"] for body in scripted.bodies()] == [[JOB, other], [other]]
    scripted.on("POST", PATH, answer(item(503, x=1)))
    assert run("submit-file", lines(tmp_path, JOB)).exit_code == 5


def test_a_batch_whose_answer_was_lost_is_sent_again(scripted: ScriptedApi, run: Run, tmp_path: Path) -> None:
    scripted.on("POST", PATH, httpx.ReadError("lost"), answer(item(202)))
    assert run("submit-file", lines(tmp_path, JOB)).exit_code == 0
    assert scripted.bodies() == [{"jobs": [JOB]}] * 2


def test_a_large_file_is_sent_in_several_requests(scripted: ScriptedApi, run: Run, tmp_path: Path) -> None:
    scripted.on("POST", PATH, answer(*[item(202)] * 500), answer(item(202)))
    result = run("submit-file", lines(tmp_path, *[{"kind": "k"}] * 501))
    assert result.stdout.startswith("501 accepted")
    assert [len(body["jobs"]) for body in scripted.bodies()] == [500, 1]


def test_programs_get_the_answer_to_each_line(scripted: ScriptedApi, run: Run, tmp_path: Path) -> None:
    scripted.on("POST", PATH, answer(item(202)))
    result = run("submit-file", "--json", lines(tmp_path, JOB))
    assert json.loads(result.stdout) == {"items": [{"line": 1, "job_id": JOB["job_id"], **item(202)}]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "line 1 of standard input is not JSON"),
        ("\n[]", "line 2 of"),
        ("", "names no job"),
        ('{"a": NaN}', "NaN is not JSON"),
    ],
)
def test_what_is_no_file_of_jobs_is_not_sent(scripted: ScriptedApi, run: Run, text: str, says: str) -> None:
    result = run("submit-file", "-", typed=text)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not scripted.requests
