"""What a check is asked, in words."""

import shlex
from datetime import UTC, datetime

import pytest
from tests.unit.verification.answering import Asked as Noted
from tests.unit.verification.answering import call
from tests.unit.verification.test_command import NOWHERE

from proof import Asked
from proof.asked import read_words

_SINCE = datetime(2026, 11, 28, 5, 30, 1, 250000, tzinfo=UTC)
_UNTIL = datetime(2026, 11, 29, 5, 30, tzinfo=UTC)

_LOCKS = ["ledger-2026", "--lock=x", "it's $(here); rm *", "großes Büro ✓", "a=b", "\\", '"']


@pytest.mark.parametrize("lock", _LOCKS)
@pytest.mark.parametrize("since", [None, _SINCE])
@pytest.mark.parametrize("until", [None, _UNTIL])
def test_words_are_read_as_they_were_meant(lock: str, since: datetime | None, until: datetime | None) -> None:
    asked = Asked(lock, since, until)
    assert read_words(asked.words) == (asked, False)
    assert read_words(["--ends-with-input", *asked.words]) == (asked, True)


@pytest.mark.parametrize("lock", _LOCKS)
def test_the_command_asks_the_same(monkeypatch: pytest.MonkeyPatch, lock: str) -> None:
    monkeypatch.setenv("TURNSTILE_STORAGE_CONNECTION_STRING", NOWHERE)
    noted = Noted(monkeypatch)
    asked = Asked(lock, _SINCE, _UNTIL)
    program, command, *words = shlex.split(asked.command)
    assert (program, command) == ("turnstile", "verify")
    assert call(*words).exit_code == 0
    assert noted.questions == [asked.question]


@pytest.mark.parametrize("words", [[], ["--lock="], ["--lock=a\x07"], ["--lock=a", "--since=yesterday"]])
def test_words_that_mean_nothing_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_words(words)
    assert ended.value.code == 2
    assert "usage: python -m proof" in capsys.readouterr().err
