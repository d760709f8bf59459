"""The file of a sink's ledger: what is read of it, and what is refused."""

import json
from pathlib import Path

import pytest
from tests.unit.verification.asking import Scope, broken, file_of, verdict_on
from tests.unit.verification.authored import Author, eventful
from tests.unit.verification.breaking import FIRST as JOB
from tests.unit.verification.breaking import running
from tests.unit.verification.records import Records
from tests.unit.verification.test_ledgers import BEGIN, at

from verification import LedgerError


async def test_a_line_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    author = running()
    lines = [at(author, JOB, "a", BEGIN), at(author, JOB, "b", 1.0, fence=9).rstrip()]
    verdict = await verdict_on(Records(author), sink=file_of(tmp_path, *lines))
    assert verdict.violations == []
    assert verdict.counts["effects_accepted"] == 1


async def test_only_effects_of_chosen_locks_are_judged_and_counted(tmp_path: Path) -> None:
    author, other = running(), Author("other", first_number=50)
    job = other.submit()
    lines = [at(author, JOB, "a", BEGIN), at(other, job, "a", 1.0, fence=9)]
    question = {"sink": file_of(tmp_path, *lines)}
    verdict = await verdict_on(Records(author, other), scope=Scope(("ledger",)), **question)
    assert (verdict.violations, verdict.counts["effects_accepted"]) == ([], 1)
    assert set(await broken(Records(author, other), **question)) == {"I4"}


@pytest.mark.parametrize(
    "odd",
    [
        {"at": "NaN"}, {"at": "1e999"}, {"at": "-1e999"}, {"at": "1e300"}, {"at": '"soon"'},
        {"fence": "1e999"}, {"fence": "1e30"}, {"fence": "null"}, {"key": None}, {"job": None},
        {"step": None},
        {"accepted": None}, {"key": "[" * 100_000},
        {"key": '"\\ud800"'},
        {"step": '"\\ud800"'},
        {"slot": "-1"}, {"slot": "null"}, {"slot": "1e30"},
    ],
    ids=lambda odd: f"{odd}"[:30],
)  # fmt: skip
async def test_an_effect_that_no_sink_writes_is_refused_with_its_line(
    tmp_path: Path, odd: dict[str, str | None]
) -> None:
    author = running()
    line = {name: json.dumps(value) for name, value in json.loads(at(author, JOB, "b", 1.0)).items()} | odd
    text = ", ".join(f'"{name}": {value}' for name, value in line.items() if value is not None)
    sink = file_of(tmp_path, at(author, JOB, "a", BEGIN), f"{{{text}}}\n")
    with pytest.raises(LedgerError, match=r"^line 2 of the ledger is not an effect: "):
        await broken(Records(author), sink=sink, scope=Scope(until=author.now))


async def test_a_ledger_without_effects_of_known_runs_has_no_clock_and_is_judged_all_the_same(
    tmp_path: Path,
) -> None:
    author = eventful()
    lines = [at(author, JOB, "a", 5.0, fence=77)]
    scope = Scope(since=author.now)
    author.submit()
    assert set(await broken(Records(author), sink=file_of(tmp_path, *lines), scope=scope)) == {"I4"}
