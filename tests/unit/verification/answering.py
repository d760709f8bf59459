"""Stands for the checker, so that a test decides what the command shows."""

from typing import Any

import pytest
from typer.testing import CliRunner, Result

from azure_storage.connection import StorageConnection
from command_line.main import app
from proof import reading
from verification import CAUSES, Evidence, Percentiles, Question, Verdict

_COUNTED = (
    "locks",
    "jobs",
    "unfinished",
    "events",
    "runs",
    "interruptions",
    "effects_accepted",
    "effects_refused",
    "accepted",
)


def verdict(counts: dict[str, int] | None = None, **values: Any) -> Verdict:
    """Return a verdict, of which a test says only what matters to it."""
    told: dict[str, Any] = {
        "since": None,
        "until": None,
        "outcomes": {},
        "violations": [],
        "found": {},
        "unchecked": {},
        "in_line": Percentiles(),
        "hand_over": Percentiles(),
        "take_over": dict.fromkeys(CAUSES, Percentiles()),
        "clocks_apart": 0.0,
    }
    return Verdict(counts={**dict.fromkeys(_COUNTED, 0), **(counts or {})}, **{**told, **values})


class Asked:
    """Stands for the checker: notes what it was asked, and gives or raises what a test has prepared."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, answer: Verdict | BaseException | None = None
    ) -> None:
        self.questions: list[Question] = []
        self.closed = 0
        self._answer = answer or verdict()
        closed = StorageConnection.aclose

        async def verify(_: Evidence, __: Any, question: Question, *___: Any) -> Verdict:
            self.questions.append(question)
            if isinstance(self._answer, BaseException):
                raise self._answer
            return self._answer

        async def aclose(connection: StorageConnection) -> None:
            self.closed += 1
            await closed(connection)

        monkeypatch.setattr(reading, "verify", verify)
        monkeypatch.setattr(StorageConnection, "aclose", aclose)


def call(*words: str) -> Result:
    return CliRunner().invoke(app, ["verify", *words])
