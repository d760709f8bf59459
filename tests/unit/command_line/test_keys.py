"""turnstile keys: what it writes into the file, what it shows, and what it sends with a key."""

import json
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.unit.command_line.scripted_api import Problem, Run, ScriptedApi
from typer.testing import Result

from contracts.access import Role, Scope
from contracts.api_keys import KEY, KeyRing, UnknownKeyError, read_clients

Keys = Callable[..., Result]
JOBS = "/api/v1/jobs"


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURNSTILE_API_KEY", "TURNSTILE_API_KEY_FILE", "TURNSTILE_KEYS_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


@pytest.fixture
def keys(run: Run, path: Path) -> Keys:
    return lambda word, *words: run("keys", word, *words, "--file", str(path))


def made(result: Result) -> str:
    assert result.exit_code == 0, result.stderr
    key = result.stdout.strip()
    assert KEY.fullmatch(key)
    return key


def test_a_key_is_printed_once_and_works_until_it_is_over(keys: Keys, path: Path) -> None:
    result = keys("new", "billing", "--role", "submitter", "--lock", "ledger-", "--scope", "cancel")
    key = made(result)
    assert "It is not shown again." in result.stderr
    assert key not in path.read_text()
    now = datetime.now(UTC)
    client = KeyRing(read_clients(path)).client(key, now)
    assert client.scopes == {Scope.READ, Scope.SUBMIT, Scope.CANCEL}
    assert client.locks == ("ledger-",)
    with pytest.raises(UnknownKeyError):
        KeyRing(read_clients(path)).client(key, now + timedelta(days=366))
    assert key not in keys("list").stdout


def test_a_client_has_two_keys_and_keeps_what_it_may_do(keys: Keys, path: Path) -> None:
    first = made(keys("new", "billing", "--role", "submitter", "--kind", "close"))
    second = made(keys("new", "billing", "--days", "0"))
    third = keys("new", "billing")
    assert third.exit_code == 2
    assert "billing: has more than 2 keys that are good; revoke one" in third.stderr
    stored = read_clients(path)["billing"]
    assert (stored.role, stored.kinds, len(stored.keys)) == (Role.SUBMITTER, ("close",), 2)
    revoked = keys("revoke", first.split("_")[1])
    assert "of billing is revoked" in revoked.stdout
    ring = KeyRing(read_clients(path))
    assert ring.client(second, datetime.now(UTC) + timedelta(days=10_000)).name == "billing"
    with pytest.raises(UnknownKeyError):
        ring.client(first, datetime.now(UTC))
    made(keys("new", "billing", "--role", "viewer"))
    assert read_clients(path)["billing"].role == Role.VIEWER


def test_the_last_key_of_a_client_can_be_revoked_and_the_client_stays(keys: Keys, path: Path) -> None:
    key = made(keys("new", "billing", "--role", "viewer"))
    assert keys("revoke", key.split("_")[1]).exit_code == 0
    assert read_clients(path)["billing"].keys == ()
    assert "no key" in keys("list").stdout
    made(keys("new", "billing"))


def test_what_people_wrote_into_the_file_stays(keys: Keys, path: Path) -> None:
    path.write_text('# Ask the platform team.\n[clients.ops]\nrole = "admin"  # on call\n')
    path.chmod(0o640)
    made(keys("new", "billing", "--role", "viewer"))
    made(keys("new", "ops"))
    text = path.read_text()
    assert text.startswith("# Ask the platform team.")
    assert "# on call" in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(read_clients(path)) == ["billing", "ops"]


def test_a_new_file_is_for_its_owner_and_nothing_else_is_left(keys: Keys, path: Path) -> None:
    made(keys("new", "billing", "--role", "viewer"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["keys.toml"]


def test_a_failed_write_leaves_the_file_as_it_was(
    keys: Keys, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(keys("new", "billing", "--role", "viewer"))
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("os.fsync", full)
    failed = keys("new", "billing")
    assert (failed.exit_code, failed.stdout) == (2, "")
    assert "No space left on device" in failed.stderr
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["keys.toml"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["new", "billing"], "client billing is new: say what it may do, with --role or --scope"),
        (["new", "Billing", "--role", "viewer"], "'Billing' cannot name a client; use 1 to 40 lower-case"),
        (["new", "a", "--role", "viewer", "--lock", ""], "locks must have no empty text"),
        (["new", "a", "--scope", "drain", "--lock", "a"], "drain is about all locks"),
        (["revoke", "k3m9x2ab"], "no client in"),
        (["list"], "No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    keys: Keys, path: Path, words: list[str], sentence: str
) -> None:
    result = keys(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert not path.exists()


def test_a_file_that_is_wrong_is_not_touched(keys: Keys, path: Path) -> None:
    path.write_text("[clients.a]\nrole = 7\n")
    assert keys("new", "b", "--role", "viewer").exit_code == 2
    assert path.read_text() == "[clients.a]\nrole = 7\n"


def test_programs_get_json(keys: Keys) -> None:
    made_key = json.loads(keys("new", "billing", "--role", "viewer", "--json").stdout)
    (item,) = json.loads(keys("list", "--json").stdout)["items"]
    assert KEY.fullmatch(made_key["key"])
    assert item["keys"] == [{name: made_key[name] for name in ("id", "created", "expires")}]
    assert (item["client"], item["role"], item["locks"]) == ("billing", "viewer", None)
    assert "sha256" not in json.dumps([made_key, item])
    assert json.loads(keys("revoke", made_key["id"], "--json").stdout)["client"] == "billing"


@pytest.mark.parametrize("word", ["new", "list", "revoke"])
def test_each_command_explains_itself_with_an_example(run: Run, word: str) -> None:
    assert "Example" in run("keys", word, "--help").stdout


def test_with_a_key_the_client_is_named_by_it(
    scripted: ScriptedApi, run: Run, a_problem: Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNSTILE_API_KEY", "ts_k3m9x2ab_secret")
    scripted.on("POST", JOBS, a_problem(403, "missing_scope", "Client a lacks the scope submit."))
    refused = run("submit", "ten-steps")
    run("submit", "ten-steps", "--actor", "maria")
    assert refused.exit_code == 2
    assert "lacks the scope submit" in refused.stderr
    assert [request.headers.get("x-actor") for request in scripted.requests] == [None, "maria"]
    assert {request.headers["authorization"] for request in scripted.requests} == {
        "Bearer ts_k3m9x2ab_secret"
    }


def test_a_key_that_cannot_be_one_is_named_by_its_variable(
    scripted: ScriptedApi, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNSTILE_API_KEY_FILE", "/nowhere/key")
    result = run("jobs")
    assert (result.exit_code, scripted.requests) == (2, [])
    assert "correct TURNSTILE_API_KEY or TURNSTILE_API_KEY_FILE" in result.stderr
