"""API keys: their form, what is kept of them, and the file that names the clients."""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.access import OF_ALL_LOCKS, ROLES, Role, Scope
from contracts.api_keys import (
    KEY,
    KeyFileError,
    KeyRing,
    StoredClient,
    UnknownKeyError,
    clients_of,
    new_key,
    read_clients,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
FILE = Path("keys.toml")


def stored(key_id: str, digest: str = "0" * 64, expires: str = "") -> str:
    until = f"expires = {expires}\n" if expires else ""
    key = f'id = "{key_id}"\nsha256 = "{digest}"\ncreated = 2026-01-01T00:00:00Z\n'
    return f"[[clients.billing.keys]]\n{key}{until}"


def test_a_key_is_random_and_only_its_hash_is_kept() -> None:
    keys = [new_key(NOW, None) for _ in range(100)]
    assert len({key.text for key in keys}) == len({key.stored.id for key in keys}) == 100
    for key in keys:
        assert KEY.fullmatch(key.text)
        secret = key.text.removeprefix(f"ts_{key.stored.id}_")
        assert secret not in key.stored.model_dump_json()


def test_a_key_is_that_of_its_client_until_its_time_is_over() -> None:
    old, new = new_key(NOW, NOW + timedelta(days=1)), new_key(NOW, None)
    ring = KeyRing({"billing": StoredClient(role=Role.SUBMITTER, keys=(old.stored, new.stored))})
    just_before = NOW + timedelta(days=1, microseconds=-1)
    assert ring.client(old.text, just_before).name == ring.client(new.text, just_before).name == "billing"
    with pytest.raises(UnknownKeyError):
        ring.client(old.text, NOW + timedelta(days=1))
    assert ring.client(new.text, NOW + timedelta(days=10_000)).name == "billing"


def test_ten_thousand_changed_keys_are_refused() -> None:
    key = new_key(NOW, None)
    ring = KeyRing({"billing": StoredClient(role=Role.VIEWER, keys=(key.stored,))})
    characters = "abcXYZ019_-. \u00e4\x00"
    for _ in range(10_000):
        at = secrets.randbelow(len(key.text))
        changed = f"{key.text[:at]}{secrets.choice(characters)}{key.text[at + secrets.randbelow(2) :]}"
        if changed != key.text:
            with pytest.raises(UnknownKeyError):
                ring.client(changed, NOW)
    for other in ("", "ts_", key.text.upper(), key.stored.id, key.stored.sha256, f"{key.text}\n", "\ud800"):
        with pytest.raises(UnknownKeyError):
            ring.client(other, NOW)


def test_a_file_says_what_each_client_may_do(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text(
        '[clients.billing]\nrole = "submitter"\nscopes = ["cancel"]\nlocks = ["ledger-"]\nkinds = ["close"]\n'
        + stored("k3m9x2ab")
        + '[clients.ops]\nrole = "admin"\nrate = 5\n'
    )
    found = {name: client.client(name) for name, client in read_clients(path).items()}
    billing, ops = found["billing"], found["ops"]
    assert billing.scopes == {Scope.READ, Scope.SUBMIT, Scope.CANCEL}
    assert billing.may_use("ledger-2026")
    assert not billing.may_use("ledger")
    assert billing.may_submit("close")
    assert not billing.may_submit("open")
    assert ops.scopes == set(Scope) - {Scope.ACT_AS}
    assert ops.may_use("any")
    assert ops.may_submit("any")
    assert ops.rate == 5


@pytest.mark.parametrize("role", Role)
def test_a_client_with_locks_has_of_its_role_only_what_belongs_to_a_lock(role: Role) -> None:
    limited = StoredClient(role=role, locks=("a:",)).client("a")
    assert limited.scopes == ROLES[role] - OF_ALL_LOCKS


def test_no_role_acts_in_the_name_of_another() -> None:
    assert all(Scope.ACT_AS not in scopes for scopes in ROLES.values())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[clients", "keys.toml is not TOML: "),
        ("[client.billing]", "keys.toml has tables [clients.NAME], and not 'client'"),
        ("clients = 3", "keys.toml has tables [clients.NAME]"),
        ('[clients.Billing]\nrole = "viewer"', "keys.toml: 'Billing' cannot name a client; use 1 to 40"),
        ('[clients.a]\nrole = "root"', "keys.toml: clients.a.role: must be 'viewer', 'submitter', "),
        ('[clients.a]\nscopes = ["all"]', "keys.toml: clients.a.scopes.0: must be 'read', "),
        ('[clients.a]\nrol = "viewer"', "keys.toml: clients.a.rol: is not a known field; known fields: role"),
        ("[clients.a]\nlocks = []", "keys.toml: clients.a.locks: must not be empty"),
        ('[clients.a]\nlocks = [""]', "keys.toml: clients.a: locks must have no empty text"),
        ("[clients.a]\nkinds = []", "keys.toml: clients.a.kinds: must not be empty"),
        (
            '[clients.a]\nlocks = ["a"]\nscopes = ["drain"]',
            "keys.toml: clients.a: scopes: drain is about all",
        ),
        ("[clients.a]\nrate = 0", "keys.toml: clients.a.rate: must be more than 0"),
        (stored("SHORT"), "keys.toml: clients.billing.keys.0.id: "),
        (stored("k3m9x2ab", "00"), "keys.toml: clients.billing.keys.0.sha256: "),
        (
            stored("k3m9x2ab") + stored("k3m9x2ab"),
            "keys.toml: clients.billing: billing has the key k3m9x2ab already",
        ),
        (
            stored("aaaaaaaa") + stored("bbbbbbbb") + stored("cccccccc"),
            "keys.toml: clients.billing: has more than 2 keys that are good; revoke one",
        ),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(content: str, sentence: str) -> None:
    with pytest.raises(KeyFileError) as refused:
        clients_of(FILE, content.encode())
    assert str(refused.value).startswith(sentence)


def test_a_key_whose_time_is_over_leaves_room_for_another() -> None:
    content = stored("aaaaaaaa", expires="2026-01-02T00:00:00Z") + stored("bbbbbbbb") + stored("cccccccc")
    assert len(clients_of(FILE, content.encode())["billing"].keys) == 3
