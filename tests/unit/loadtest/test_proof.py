"""Calling the checker: what it says is believed only when its report and its exit code agree."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from loadtest import proof
from loadtest.proof import ProofError

REPORT = {
    "holds": True,
    "period": {},
    "counts": {"jobs": 3},
    "outcomes": {},
    "violations": [],
    "seconds": {"in_line": {}, "hand_over": {}, "take_over": {"worker_lost": {"max": 31.0}}},
}
BROKEN = {
    **REPORT,
    "holds": False,
    "violations": [{"invariant": "I3", "lock": "ledger", "job_id": None, "message": "a job is missing"}],
}


@pytest.fixture
def verify(tmp_path, monkeypatch):
    """Call a checker that prints a text and ends with an exit code."""
    for name, value in proof.handed_on({"TURNSTILE_STORAGE_NAMESPACE": "mine"}).items():
        monkeypatch.setenv(name, value)

    def call(text, code):
        command = tmp_path / "checker"
        (tmp_path / "text").write_text(text)
        command.write_text(
            f'#!/bin/sh\necho "$TURNSTILE_STORAGE_NAMESPACE $@" > {tmp_path}/called\n'
            f"cat {tmp_path}/text\necho trouble >&2\nexit {code}\n"
        )
        command.chmod(0o700)
        files = [tmp_path / name for name in ("accepted.txt", "effects.jsonl", "verify.html")]
        return proof.verify(
            [str(command)], datetime(2026, 3, 1, tzinfo=UTC), *files, patience=timedelta(minutes=3)
        )

    return call


def test_it_is_told_what_to_look_at_and_where(verify, tmp_path):
    found = verify(json.dumps(REPORT), 0)
    assert found.holds
    assert found.take_overs["worker_lost"]["max"] == 31
    said = (tmp_path / "called").read_text().split()
    assert said[:4] == ["mine", "verify", "--since", "2026-02-28T23:59:55+00:00"]
    assert said[-2:] == ["--patience", "180.0"]
    assert said[4:8] == ["--accepted", f"{tmp_path}/accepted.txt", "--sink", f"{tmp_path}/effects.jsonl"]


def test_violations_are_passed_on(verify):
    found = verify(json.dumps(BROKEN), 1)
    assert not found.holds
    assert found.violations == (proof.Violation("I3", "a job is missing", "ledger", ""),)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (json.dumps(REPORT), 1, "contradicts itself"),
        (json.dumps(BROKEN), 0, "contradicts itself"),
        (json.dumps({**BROKEN, "holds": True}), 0, "contradicts itself"),
        ("", 2, "exit code 2.*trouble"),
        ("", 5, "exit code 5.*trouble"),
        ("", 0, "no report"),
        ("[]", 0, "no report"),
        ('{"holds": true}', 0, "no report"),
    ],
)
def test_anything_else_is_no_verdict(verify, text, code, said):
    with pytest.raises(ProofError, match=rf"(?s){said}"):
        verify(text, code)


def test_a_checker_that_is_not_there_gives_no_verdict(verify, tmp_path):
    with pytest.raises(ProofError, match="could not be run"):
        proof.verify([str(tmp_path / "none")], datetime.now(UTC), tmp_path, tmp_path, tmp_path)
