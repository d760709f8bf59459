"""The effect sink: what it accepts, refuses, and does not take for an effect at all."""

import http.client
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from deploy import ROOT
from loadtest.effect_sink.ledger import Ledger
from loadtest.effect_sink.server import EffectServer
from loadtest.effects import part_since, read_effects, size_of

GOOD = {"key": "ledger", "fence": 3, "job": "one", "step": "book", "worker": 17}


@pytest.fixture
def port(tmp_path) -> Iterator[int]:
    server = EffectServer("127.0.0.1", 0, Ledger(tmp_path / "effects.jsonl"))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def send(port, effect):
    return ask(port, "POST", "/effects", json.dumps(effect))[0]


def test_a_lower_fence_is_refused_for_its_key_alone(port, tmp_path):
    answers = [send(port, {**GOOD, **more}) for more in ({}, {"fence": 4}, {}, {"key": "other", "fence": 1})]
    assert answers == [204, 204, 409, 204]
    lines = [json.loads(line) for line in (tmp_path / "effects.jsonl").read_text().splitlines()]
    assert [(line["accepted"], line["highest"]) for line in lines] == [
        (True, 0), (True, 3), (False, 4), (True, 0),
    ]  # fmt: skip
    assert lines[0]["worker"] == 17
    assert lines[0]["at"] <= lines[-1]["at"]
    seen = read_effects(tmp_path / "effects.jsonl")
    assert (seen.accepted_count, dict(seen.refused), seen.unreadable) == (3, {("one", 0, 3): 1}, 0)
    status, text = ask(port, "GET", "/metrics")
    assert status == 200
    assert "effect_accepted_total 3\n" in text
    assert "effect_refused_total 1\n" in text


def test_a_fence_counts_within_its_slot_alone(port, tmp_path):
    effects = [{"slot": 2, "fence": 5}, {"slot": 1, "fence": 1}, {"slot": 0, "fence": 1}, {"fence": 1}]
    assert [send(port, {**GOOD, **more}) for more in effects] == [204] * 4
    again = [{"slot": 2, "fence": 4}, {"slot": 1, "fence": 2}, {"slot": 1, "fence": 1}]
    assert [send(port, {**GOOD, **more}) for more in again] == [409, 204, 409]
    seen = read_effects(tmp_path / "effects.jsonl")
    assert dict(seen.refused) == {("one", 2, 4): 1, ("one", 1, 1): 1}


@pytest.mark.parametrize(
    "wrong",
    [
        *(
            {name: value for name, value in GOOD.items() if name != left}
            for left in ("key", "fence", "job", "step")
        ),
        {**GOOD, "fence": 0},
        {**GOOD, "fence": "3"},
        {**GOOD, "fence": True},
        {**GOOD, "fence": 1.5},
        {**GOOD, "slot": -1},
        {**GOOD, "slot": "1"},
        {**GOOD, "slot": True},
        {**GOOD, "slot": None},
        {**GOOD, "key": ""},
        {**GOOD, "key": 7},
        {**GOOD, "job": "x" * 2001},
        [GOOD],
        None,
    ],
)
def test_what_is_no_effect_leaves_no_trace(port, tmp_path, wrong):
    assert send(port, wrong) == 422
    assert (tmp_path / "effects.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/effects", "{", {}, 400),
        ("/effects", b"\xff\xfe\xfd", {}, 400),
        ("/effects", "[" * 50_000, {}, 400),
        ("/effects", "x" * 70_000, {}, 413),
        ("/effects", None, {"Content-Length": "-1"}, 411),
        ("/effects", None, {"Transfer-Encoding": "chunked"}, 411),
        ("/elsewhere", json.dumps(GOOD), {}, 404),
    ],
)
def test_malformed_requests_are_the_senders_fault(port, path, body, headers, status):
    assert ask(port, "POST", path, body, headers)[0] == status
    assert send(port, GOOD) == 204, "it goes on"


def test_lines_that_are_no_effects_are_counted(tmp_path):
    ledger = tmp_path / "effects.jsonl"
    ledger.write_text('{"job": "one"}\nnonsense\n')
    assert read_effects(ledger).unreadable == 2
    assert read_effects(tmp_path / "none").accepted_count == 0


def test_a_run_looks_only_at_its_own_part_of_a_ledger(tmp_path):
    ledger = Ledger(tmp_path / "effects.jsonl")
    assert part_since(ledger.path, size_of(tmp_path / "none"), tmp_path) == ledger.path
    ledger.apply(GOOD)
    start = size_of(ledger.path)
    ledger.apply({**GOOD, "job": "two"})
    ledger.close()
    assert list(read_effects(part_since(ledger.path, start, tmp_path)).accepted) == ["two"]


def test_as_a_process_it_says_its_port_and_ends_when_told_to(tmp_path):
    command = [sys.executable, "-m", "loadtest.effect_sink", str(tmp_path / "new" / "effects.jsonl")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert send(int(process.stdout.readline()), GOOD) == 204
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert read_effects(tmp_path / "new" / "effects.jsonl").accepted_count == 1


def test_a_port_that_is_taken_is_said_clearly(port, tmp_path):
    command = [sys.executable, "-m", "loadtest.effect_sink", str(tmp_path / "e.jsonl"), "--port", str(port)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert f"127.0.0.1:{port}" in done.stderr
