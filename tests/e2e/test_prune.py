"""`turnstile prune` on a real installation: old jobs go, and what stays is proved, whatever comes after."""

from pathlib import Path

import pytest
from tests.e2e.removing import rebuild, run_jobs, turnstile
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


def test_jobs_are_removed_and_the_rest_is_proved_again_and_again(stack: Stack, tmp_path: Path) -> None:
    stack.crew(1)
    lock = stack.new_lock()
    gone = run_jobs(stack, lock, 6)
    accepted = tmp_path / "accepted.txt"
    accepted.write_text("".join(f"{job}\n" for job in gone))

    (found,) = turnstile(stack, "prune", "--older-than", "1h", "--lock", lock)["locks"]
    assert (found["removable"]["jobs"], found["kept"]["young"]) == (0, 6)
    (found,) = turnstile(stack, "prune", "--older-than", "0s", "--lock", lock)["locks"]
    assert (found["removable"]["jobs"], found["removable"]["runs"]) == (6, 6)
    assert stack.api.client.get(f"/api/v1/jobs/{gone[0]}").is_success, "nothing has changed"

    prune = ["prune", "--older-than", "0s", "--lock", lock, "--yes", "--actor", "ann"]
    (done,) = turnstile(stack, *prune)["locks"]
    assert (done["removed"]["jobs"], done["refusal"]) == (6, None)
    for path in ("", "/events", "/stream"):
        answer = stack.api.client.get(f"/api/v1/jobs/{gone[0]}{path}")
        assert (answer.status_code, answer.json()["type"]) == (410, "urn:turnstile:problem:job_removed")
    assert stack.api.client.post(f"/api/v1/jobs/{gone[0]}/cancel").status_code == 410
    again = {"kind": "ten-steps", "lock": lock, "parameters": {"steps": 3, "seconds": 0}, "job_id": gone[0]}
    answer = stack.api.client.post("/api/v1/jobs", json=again)
    assert (answer.status_code, answer.json()["same_request"]) == (409, True)
    assert stack.api.client.get("/api/v1/jobs", params={"lock": lock}).json()["items"] == []

    verify = ["verify", "--lock", lock, "--accepted", str(accepted)]
    verdict = turnstile(stack, *verify)
    (removal,) = verdict["removals"]
    assert verdict["holds"]
    assert (removal["jobs"], removal["runs"], removal["fence"], removal["actor"]) == (6, 6, 6, "ann")
    rebuild(stack)
    assert turnstile(stack, *verify)["holds"]

    more = run_jobs(stack, lock, 3)
    verdict = turnstile(stack, *verify)
    assert verdict["holds"]
    assert verdict["counts"]["runs"] == 3
    assert verdict["numbers"]["fences"] == {"first": 7, "last": 9}
    (done,) = turnstile(stack, *prune)["locks"]
    assert (done["removed"]["jobs"], done["removed_before"]) == (3, 6)
    verdict = turnstile(stack, *verify)
    assert verdict["holds"]
    assert verdict["removals"][0]["jobs"] == 9
    assert stack.api.client.get(f"/api/v1/jobs/{more[0]}").status_code == 410
    # Of a row that is deleted by hand, the mark knows nothing.
    table = stack.records.service.get_table_client(f"{stack.namespace}Journal")
    (row,) = table.query_entities(f"RowKey eq 'job|{gone[2]}'")
    table.delete_entity(row)
    try:
        found = turnstile(stack, *verify, code=1)["violations"]
    finally:
        table.create_entity(row)
    assert {one["invariant"] for one in found} >= {"I13", "I3"}
