"""The load test itself: it passes a stack that keeps its promises, and fails one that does not."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy import ROOT
from tests.e2e.stack import Stack
from tests.e2e.telemetry.otlp_receiver import OtlpReceiver
from tests.e2e.waiting import until

from sample_jobs import effect_client

pytestmark = pytest.mark.e2e

#: Words for a small run, whose thresholds are not what is tested.
_SMALL = ("--jobs", "20", "--users", "5", "--time", "10s", "--json")


def load(stack: Stack, folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    thresholds = folder / "thresholds.toml"
    thresholds.write_text("[every]\nsubmit_p95_seconds = 30\n[contention]\njobs_per_second = 0.1\n")
    environment = {
        **os.environ,
        "TURNSTILE_URL": stack.publisher.url,
        "TURNSTILE_STORAGE_CONNECTION_STRING": stack.environment["TURNSTILE_STORAGE_CONNECTION_STRING"],
        "TURNSTILE_STORAGE_NAMESPACE": stack.namespace,
        **more,
    }
    files = ("--thresholds", str(thresholds), "--results", str(folder / "results"))
    command = [sys.executable, "-m", "loadtest", *_SMALL, *files, *words]
    with (folder / "stderr.txt").open("w") as errors:
        return subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )


def outcome(
    process: subprocess.Popen[str], folder: Path, within: float = 150
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Wait for the end; returns the exit code and the verdicts."""
    text, _ = process.communicate(timeout=within)
    said = (folder / "stderr.txt").read_text()
    assert text, f"exit code {process.returncode}: {said}"
    return process.returncode, {verdict["scenario"]: verdict for verdict in json.loads(text)["verdicts"]}


def broken(verdict: dict[str, Any]) -> list[str]:
    return [f"{one['promised']}: {one['seen']}" for one in verdict["findings"] if not one["holds"]]


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    """What the load sends its own telemetry to."""
    receiver = OtlpReceiver()
    receiver.start()
    yield receiver
    receiver.close()


def test_scenarios_find_every_promise_kept(stack: Stack, tmp_path: Path, receiver: OtlpReceiver) -> None:
    stack.crew(2)
    telemetry = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint,
        "OTEL_RESOURCE_ATTRIBUTES": "service.instance.id=load",
    }
    process = load(stack, tmp_path, "-s", "contention,duplicates,batches", "--otel", **telemetry)
    code, verdicts = outcome(process, tmp_path)
    assert [broken(verdict) for verdict in verdicts.values()] == [[], [], []]
    assert code == 0
    figures = verdicts["contention"]["figures"]
    assert figures["jobs_accepted"] == 20
    assert figures["jobs_per_second_through_busiest_lock"] > 0
    assert figures["in_line_seconds"]["count"] == 20
    (results,) = (tmp_path / "results").iterdir()
    answers = verdicts["duplicates"]["findings"]
    assert any("180 x 409" in finding["seen"] for finding in answers), "each job was submitted ten times"
    batches = verdicts["batches"]
    assert any("20 x 202" in finding["seen"] for finding in batches["findings"]), "each job has an answer"
    assert batches["figures"]["submit_seconds"]["max"] == batches["figures"]["submit_seconds"]["p50"], (
        "one request for all"
    )
    report = (results / "contention" / "report.html").read_text()
    assert "One lock, many publishers: holds" in report
    assert "job through the busiest lock" in report, "the jobs' times stand among Locust's figures"
    assert (results / "contention" / "verify.html").exists()
    assert_a_slow_request_leads_to_its_trace(stack, figures["slowest"][0], receiver)


def assert_a_slow_request_leads_to_its_trace(
    stack: Stack, slowest: dict[str, Any], receiver: OtlpReceiver
) -> None:
    """Fail unless the load's own span of a submission is in the job's trace, which the figures name."""
    (span,) = (span for span in receiver.spans if span.attributes.get("job.id") == slowest["job_id"])
    assert (span.service, span.kind, span.name) == ("turnstile-load", "client", "POST /api/v1/jobs")
    job = stack.api.client.get(f"/api/v1/jobs/{slowest['job_id']}").json()
    assert span.trace_id == slowest["trace_id"] == job["trace_id"]
    names = {metric.name for metric in receiver.metrics}
    assert "locust.client.duration" in names, "Locust's own metrics, for the jobs' times too"


@pytest.mark.timeout(400)
def test_limits_conflicts_and_schedules_hold(stack: Stack, tmp_path: Path) -> None:
    # Jobs of schedules with rules for a busy lock take a place each most of the time.
    stack.crew(3, concurrency="2")
    process = load(stack, tmp_path, "-s", "slots,conflicts,schedules", "--jobs", "40")
    code, verdicts = outcome(process, tmp_path, within=350)
    assert [broken(verdict) for verdict in verdicts.values()] == [[], [], []]
    assert code == 0
    slots, conflicts, schedules = (verdict["figures"] for verdict in verdicts.values())
    assert max(lock["most_at_once"] for lock in slots["limits"].values()) > 1
    counts = conflicts["conflicts"]
    assert counts["accepted"] == conflicts["jobs_accepted"]
    assert counts["skipped"] + counts["rejected"] + counts["replaced"] + counts["stopped"] > 0
    assert schedules["schedules"]["schedules"] == 8
    assert schedules["schedules"]["outcomes"]["submitted"] > 8
    assert schedules["start_late_seconds"]["count"] > 8


def test_an_effect_that_nobody_submitted_a_job_for_fails_the_run(stack: Stack, tmp_path: Path) -> None:
    stack.crew(2)
    process = load(stack, tmp_path, "-s", "contention")
    (ledger,) = until(lambda: list(tmp_path.glob("results/*/contention/effects.jsonl")), 30, "the ledger")
    until(lambda: ledger.stat().st_size, 40, "the first effect")
    plan = json.loads((ledger.parent / "plan.json").read_text())
    effect_client.send(plan["sink"], key="nobody's lock", fence=1, job="nobody's job", step="forged")
    code, verdicts = outcome(process, tmp_path)
    assert any("effects of submitted jobs only" in text for text in broken(verdicts["contention"]))
    assert code == 1


def test_harm_is_not_done_to_somebody_elses_stack(stack: Stack, tmp_path: Path) -> None:
    code, verdicts = outcome(load(stack, tmp_path, "-s", "broker_restart"), tmp_path)
    assert "only to a stack of this folder" in verdicts["broker_restart"]["unusable"]
    assert code == 2
