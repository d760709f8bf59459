"""Keeps what came of changes, so that the next run tries only what may have come out differently."""

import ast
import hashlib
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.mutation.changing import Changed
from tests.mutation.covering import Cover, write_at_once
from tests.mutation.packages import ROOT
from tests.mutation.running import Outcome

FOLDER = ROOT / ".mutation"

_EQUIVALENT = Path(__file__).with_name("equivalent.toml")


class StaleEntryError(Exception):
    """An entry of equivalent.toml describes no change that there is."""


@cache
def _digest(file: str) -> str:
    path = ROOT / file
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else ""


@cache
def _digest_of_test(test: str) -> str:
    """Return the digest of a test's own text; empty when it is not there any more."""
    file, *names = test.split("::")
    path = ROOT / file
    body = ast.parse(path.read_text()).body if path.exists() else []
    for name in names:
        found = [node for node in body if getattr(node, "name", None) == name]
        if not found:
            return ""
        node, body = found[-1], getattr(found[-1], "body", [])
    return hashlib.sha256(ast.dump(node).encode()).hexdigest()[:16] if path.exists() else ""


class Kept:
    """Outcomes of earlier runs of a package.

    A change that was noticed stays so while its function and the test that noticed it are the same. One that
    was not noticed stays so while its function and all files of tests that run it are the same.
    """

    def __init__(self, package: str) -> None:
        self._path = FOLDER / f"{package}.json"
        self._known = self._read()

    def outcome(self, change: Changed, cover: Cover) -> Outcome | None:
        """Return what came of a change before, if that still holds."""
        if change.key not in self._known:
            return None
        how, test, digest = self._known[change.key]
        if digest != _evidence(how, test, change, cover):
            return None
        return Outcome(change.key, how, test)

    def keep(self, outcome: Outcome, change: Changed, cover: Cover) -> None:
        """Remember an outcome."""
        evidence = _evidence(outcome.how, outcome.test, change, cover)
        self._known[change.key] = [outcome.how, outcome.test, evidence]

    def write(self) -> None:
        """Write what is remembered."""
        # Another run may have written in the meantime, about other modules.
        write_at_once(self._path, json.dumps(self._read() | self._known, indent=0))

    def _read(self) -> dict[str, list[str]]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}


def _evidence(how: str, test: str, change: Changed, cover: Cover) -> str:
    if how == "killed" and "::" in test:
        return _digest_of_test(test.partition("[")[0])
    files = sorted({name.partition("::")[0] for name in cover.of_change(change)})
    return hashlib.sha256("".join(map(_digest, files)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Equivalent:
    """A change that no test can notice, and why."""

    module: str
    function: str
    before: str
    after: str
    reason: str

    def describes(self, change: Changed) -> bool:
        """Return whether it is about this change."""
        return (self.module, self.function, self.before, self.after) == (
            change.module,
            change.function,
            change.before,
            change.after,
        )


def equivalents(package: str, changes: Iterable[Changed]) -> dict[str, Equivalent]:
    """Return a package's entries by the key of the change that each describes. Raises StaleEntryError."""
    entries = [Equivalent(**entry) for entry in tomllib.loads(_EQUIVALENT.read_text()).get("equivalent", [])]
    mine = [entry for entry in entries if entry.module.partition(".")[0] == package]
    found: dict[str, Equivalent] = {}
    used: set[Equivalent] = set()
    for change in changes:
        for entry in mine:
            if entry.describes(change):
                found[change.key] = entry
                used.add(entry)
    for entry in mine:
        if entry not in used:
            raise StaleEntryError(
                f"equivalent.toml: {entry.module} {entry.function}: no change of {entry.before!r}"
            )
    return found
