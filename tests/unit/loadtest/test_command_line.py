"""The command line of the load, and the page that shows a verdict."""

import subprocess
import sys

import pytest
from deploy import ROOT
from loadtest import arguments, storage_calls
from loadtest.findings import Finding
from loadtest.report import put_into_report, section
from loadtest.scenario import discover
from loadtest.verdict import Verdict


def test_everything_can_be_said_in_short():
    found = arguments.parse(discover(), ["-n", "3", "-s", "kill-while-loaded,duplicates", "-t", "2m"])
    assert (found.workers, found.time) == (3, 120)
    assert found.scenario == ["kill_while_loaded", "duplicates"]
    assert arguments.parse(discover(), []).scenario == list(discover())


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["-s", "nothing"], "there is no scenario nothing; there are"),
        (["-t", "soon"], "'soon' is not a time"),
        (["-t", "0s"], "'0s' is not a time"),
        (["--ui", "-s", "contention"], "--scenario does not go with --ui"),
        (["-n", "0"], "'0' is not a whole number from 1"),
    ],
)
def test_what_cannot_be_understood_is_said_and_ends_with_two(capsys, argv, said):
    with pytest.raises(SystemExit) as ended:
        arguments.parse(discover(), argv)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_wrong_thresholds_end_it_before_anything_is_started(tmp_path):
    (tmp_path / "mine.toml").write_text("[contention]\nsubmissions = 3\n")
    command = [sys.executable, "-m", "loadtest", "--thresholds", str(tmp_path / "mine.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mine.toml: [contention] submissions is not a threshold" in done.stderr


def test_listing_needs_no_stack():
    command = [sys.executable, "-m", "loadtest", "--list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in discover())


def test_a_verdict_as_html_shows_what_broke_and_trusts_no_text(tmp_path):
    verdict = Verdict(
        "x", "<b>", [Finding("held", "yes", holds=True), Finding("not", "<script>", holds=False)]
    )
    text = section(verdict)
    assert "does not hold" in text
    assert "<script>" not in text
    assert "<b>" not in text
    report = tmp_path / "report.html"
    report.write_text('<html><body><div id="root"></div></body></html>')
    put_into_report(report, verdict)
    assert report.read_text().index(text) < report.read_text().index('<div id="root">')


def test_the_page_follows_a_run_to_its_verdict():
    # Locust replaces the standard library's sockets when it is imported: not in this process.
    script = """
from types import SimpleNamespace
from loadtest import page
from loadtest.findings import Finding
from loadtest.verdict import Verdict
from locust.env import Environment
from locust.web import WebUI
environment = Environment()
environment.create_local_runner()
web_ui = WebUI(environment, "127.0.0.1", 0, delayed_start=True)
runs = [None]
page.add_to(web_ui, lambda: runs[0])
client = web_ui.app.test_client()
assert b"No run yet" in client.get("/verdict").data
counts = {"stage": "submitting", "submitted": 7, "accepted": 5, "ended": 4, "answers": {202: 5}, "faults": []}
runs[0] = SimpleNamespace(verdict=None, counts=lambda: counts)
assert b"submitting" in client.get("/verdict/now").data
assert client.get("/verdict/json").json["now"]["accepted"] == 5
runs[0].verdict = Verdict("x", "One lock", [Finding("held", "yes", holds=True)])
assert b"One lock: holds" in client.get("/verdict").data
assert client.get("/verdict/json").json["verdict"]["holds"] is True
assert b'href="verdict"' in client.get("/").data
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_storage_calls_are_counted_from_metrics(monkeypatch):
    text = (
        "# HELP turnstile_storage_call_duration_seconds Duration\n"
        'turnstile_storage_call_duration_seconds_bucket{le="0.1",storage_operation="a"} 5.0\n'
        'turnstile_storage_call_duration_seconds_count{storage_operation="a"} 5.0\n'
        'turnstile_storage_call_duration_seconds_count{storage_operation="b"} 7.0 # {trace_id="1"} 0.1\n'
        'turnstile_storage_call_duration_seconds_sum{storage_operation="a"} 0.5\n'
    )
    monkeypatch.setattr(storage_calls, "read", lambda url: text)
    before = storage_calls.count({"worker": ["a", "b"], "publisher": ["c"]})
    assert before == {"worker": 24, "publisher": 12}
    after = {"worker": 3, "publisher": 20}
    assert storage_calls.difference(before, after) == {"publisher": 8}, "a worker was started anew"
    assert storage_calls.difference(None, after) == {}


def test_nothing_is_counted_where_metrics_cannot_be_had(monkeypatch):
    def refuse(url):
        raise ConnectionRefusedError

    monkeypatch.setattr(storage_calls, "read", refuse)
    assert storage_calls.count({"worker": ["a"]}) is None
