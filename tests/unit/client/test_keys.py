"""API keys of the client library: where they come from, that each request has one, and how they change."""

from pathlib import Path

import httpx
import pytest
from tests.unit.client.answers import JOB_ID, JOBS, accepted, document, job
from tests.unit.client.both import Make
from tests.unit.command_line.scripted_api import ScriptedApi, problem

from turnstile.client import ForbiddenError, InvalidArgumentError, UnauthenticatedError

KEY, OTHER = "ts_k3m9x2ab_" + "A" * 43, "ts_k3m9x2ac_" + "B" * 43


class Guarded:
    """A publisher that knows one key."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.sent: list[str | None] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.headers.get("authorization"))
        if self.sent[-1] == f"Bearer {self.key}":
            return document(200, job())
        return problem(401, "unauthenticated", "Send an API key that is good.")


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURNSTILE_API_KEY", "TURNSTILE_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


def test_a_key_is_that_of_the_argument_the_environment_or_a_file(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guarded = Guarded(KEY)
    make(guarded, api_key=KEY).job(JOB_ID)
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("TURNSTILE_API_KEY_FILE", str(file))
    make(guarded).job(JOB_ID)
    monkeypatch.setenv("TURNSTILE_API_KEY", OTHER)
    make(guarded, api_key=KEY).job(JOB_ID)
    with pytest.raises(UnauthenticatedError):
        make(guarded).job(JOB_ID)
    with pytest.raises(UnauthenticatedError):
        make(guarded, api_key="").job(JOB_ID)
    assert guarded.sent == [f"Bearer {KEY}"] * 3 + [f"Bearer {OTHER}", None]


def test_a_key_that_was_replaced_in_its_file_is_found_without_a_new_client(
    make: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guarded = Guarded(KEY)
    file = tmp_path / "key"
    file.write_text(KEY)
    monkeypatch.setenv("TURNSTILE_API_KEY_FILE", str(file))
    client = make(guarded)
    client.job(JOB_ID)
    guarded.key = OTHER
    with pytest.raises(UnauthenticatedError):
        client.job(JOB_ID)
    file.write_text(OTHER)
    client.job(JOB_ID)
    client.job(JOB_ID)
    file.unlink()
    guarded.key = KEY
    with pytest.raises(UnauthenticatedError):
        client.job(JOB_ID)
    sent = [KEY, KEY, KEY, OTHER, OTHER, OTHER]
    assert guarded.sent == [f"Bearer {key}" for key in sent]


@pytest.mark.parametrize("key", ["with blank", "zoë", "line\nbreak"])
def test_what_can_be_no_key_is_refused_and_not_shown(make: Make, key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="api_key: is not an API key") as refused:
        make(Guarded(KEY), api_key=key)
    assert key not in str(refused.value)


@pytest.mark.parametrize("content", ["", "two words", None])
def test_a_file_without_a_key_is_named(
    make: Make, content: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("TURNSTILE_API_KEY_FILE", str(file))
    with pytest.raises(InvalidArgumentError, match=f"api_key: {file}"):
        make(Guarded(KEY))


def test_what_a_client_may_not_do_has_an_error_of_its_own(make: Make, publisher: ScriptedApi) -> None:
    refusal = "Client a lacks the scope submit."
    publisher.on("POST", JOBS, problem(403, "missing_scope", refusal, missing_scope="submit"), accepted())
    with pytest.raises(ForbiddenError) as refused:
        make(publisher).submit("ten-steps")
    assert refused.value.problem["missing_scope"] == "submit"
    assert len(publisher.bodies()) == 1
