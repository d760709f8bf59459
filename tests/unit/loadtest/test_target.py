"""The stack that is put under load: it is taken, or said why not."""

import json
import subprocess

import httpx
import pytest
from loadtest import target
from loadtest.target import Target, TargetError

from command_line.api import ApiError

URL = "http://stack.example:8000"


@pytest.fixture
def stack(monkeypatch):
    """A stack of somebody else: what its API lists, to be changed."""
    lists = {"/api/v1/kinds": [{"kind": "send-effects"}], "/api/v1/workers": [{}]}

    class Api:
        def __init__(self, url):
            assert url == URL

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def items(self, path):
            if path not in lists:
                raise ApiError(f"{URL} does not answer", 5)
            return lists[path]

    monkeypatch.setattr(target, "Api", Api)
    monkeypatch.setattr(target, "_WAIT_SECONDS", 0.0)
    monkeypatch.setenv("TURNSTILE_URL", URL)
    monkeypatch.setenv("TURNSTILE_STORAGE_NAMESPACE", "mine")
    return lists


def test_a_stack_of_somebody_else_is_taken_as_it_is(stack):
    found = target.prepare(8, None)
    assert (found.url, found.runtime, found.metrics) == (URL, None, {})
    assert found.environment["TURNSTILE_STORAGE_NAMESPACE"] == "mine", "the checker reads the same"


@pytest.mark.parametrize(
    ("path", "listed", "said"),
    [
        ("/api/v1/kinds", [], "has not 1 workers that know send-effects"),
        ("/api/v1/workers", [], "has not 1 workers that know send-effects"),
        ("/api/v1/kinds", None, "does not answer"),
    ],
)
def test_a_stack_that_could_do_nothing_is_refused(stack, path, listed, said):
    stack[path] = listed
    if listed is None:
        del stack[path]
    with pytest.raises(TargetError, match=said):
        target.prepare(8, None)


def test_a_stack_that_does_not_start_is_said(stack, monkeypatch):
    commands = []

    def run(words, env, **_):
        commands.append((words[2:], env["RUNTIME"]))
        return subprocess.CompletedProcess(words, returncode=len(commands) - 1)

    monkeypatch.delenv("TURNSTILE_URL")
    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(TargetError, match=r"deploy\.stack scale 3 failed"):
        target.prepare(3, "native")
    assert commands == [(("deploy.stack", "up"), "native"), (("deploy.stack", "scale", "3"), "native")]


def made(runtime):
    return Target(URL, {}, runtime, 1, {}, "", "", "")


def test_the_sink_lives_as_long_as_it_is_needed(tmp_path):
    ledger = tmp_path / "effects.jsonl"
    effect = {"key": "ledger", "fence": 1, "job": "one", "step": "book", "worker": 17}
    with made("native").sink(ledger) as address:
        assert httpx.post(f"http://{address}/effects", json=effect).status_code == 204
    assert json.loads(ledger.read_text())["job"] == "one"
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"http://{address}/effects", json=effect)


def test_a_sink_that_does_not_start_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    sink = made(None).sink(tmp_path / "file" / "effects.jsonl")
    with pytest.raises(TargetError, match="did not start"):
        sink.__enter__()
