"""A run from its beginning to its verdict, with nobody to submit anything."""

import json
import subprocess
import sys

import pytest
from deploy import ROOT

# Locust replaces the standard library's sockets when it is imported: not in this process.
_SCRIPT = """
import json, sys
from locust.env import Environment
from loadtest.plan import Plan
from loadtest.running import LoadRun
from loadtest.scenario import discover
from loadtest.thresholds import DEFAULT_FILE
folder, scenario, runtime = sys.argv[1:]
plan = Plan(
    url="http://127.0.0.1:9", sink="", ledger=folder + "/effects.jsonl", results=folder,
    thresholds=str(DEFAULT_FILE), verify=["false"], seed=1, runtime=runtime or None, workers=2,
)
run = LoadRun(plan, [discover()[scenario]], Environment())
print(json.dumps(run.finish().document()))
"""


@pytest.fixture
def judge(tmp_path):
    def judge(scenario, runtime):
        command = [sys.executable, "-c", _SCRIPT, str(tmp_path), scenario, runtime]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
        verdict = json.loads(done.stdout)
        return verdict, {one["promised"]: one for one in verdict["findings"]}

    return judge


@pytest.mark.parametrize("scenario", ["kill_while_loaded", "broker_restart"])
def test_a_run_that_was_over_before_any_harm_does_not_hold(judge, scenario):
    _, findings = judge(scenario, "native")
    assert findings["the scenario did its harm"] == {
        "promised": "the scenario did its harm",
        "seen": "none",
        "holds": False,
    }


def test_where_nothing_was_accepted_there_is_a_verdict_and_no_proof(judge):
    verdict, findings = judge("contention", "native")
    assert verdict["unusable"] is None
    assert not findings["jobs were accepted"]["holds"]
    proof = findings["turnstile verify finds no violation"]
    assert (proof["seen"], proof["holds"]) == ("violated by 1: there was nothing to check", False)
    assert "the scenario did its harm" not in findings


def test_harm_to_a_stack_of_somebody_else_leaves_no_verdict(judge):
    assert "only to a stack of this folder" in judge("broker_restart", "")[0]["unusable"]
