"""The file of keys is read again when it has changed, and never makes the publisher forget its keys."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.publisher.access.keyed import file_with

from contracts.api_keys import KeyFileError, UnknownKeyError, new_key
from publisher.access.keys_file import KeysFile

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class Seconds:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


def replace(path: Path, name: str, digest: str) -> None:
    """Replace a file as `turnstile keys` does."""
    new = path.with_suffix(".new")
    file_with(new, name, "viewer", digest)
    new.replace(path)


def test_a_changed_file_counts_within_a_second(tmp_path: Path, seconds: Seconds) -> None:
    path = tmp_path / "keys.toml"
    first, second = new_key(NOW, None), new_key(NOW, None)
    file_with(path, "first", "viewer", first.stored.sha256)
    path.write_text(path.read_text().replace("k3m9x2ab", first.stored.id))
    keys = KeysFile(path, monotonic=seconds)
    assert keys.ring.client(first.text, NOW).name == "first"
    replace(path, "second", second.stored.sha256)
    path.write_text(path.read_text().replace("k3m9x2ab", second.stored.id))
    seconds.now = 0.9
    assert keys.ring.client(first.text, NOW).name == "first"
    seconds.now = 1.0
    assert keys.ring.client(second.text, NOW).name == "second"
    with pytest.raises(UnknownKeyError):
        keys.ring.client(first.text, NOW)


@pytest.mark.parametrize("becomes", ["not toml [", None])
def test_a_file_that_cannot_be_used_changes_nothing_and_is_logged_once(
    tmp_path: Path, seconds: Seconds, becomes: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.toml"
    key = new_key(NOW, None)
    file_with(path, "first", "viewer", key.stored.sha256)
    path.write_text(path.read_text().replace("k3m9x2ab", key.stored.id))
    keys = KeysFile(path, monotonic=seconds)
    path.unlink() if becomes is None else path.write_text(becomes)
    with caplog.at_level(logging.INFO):
        for second in (1.0, 2.0, 3.0):
            seconds.now = second
            assert keys.ring.client(key.text, NOW).name == "first"
    assert [record.message for record in caplog.records] == ["file of keys cannot be used"]


def test_a_publisher_does_not_start_with_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    path = tmp_path / "keys.toml"
    path.write_text("[nothing]")
    with pytest.raises(KeyFileError):
        KeysFile(path)
