"""What comes of a change: a small package with tests that notice some of its changes."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.mutation.changed_lines import lines_changed_since
from tests.mutation.changing import changes_of
from tests.mutation.outcomes import FOLDER, Equivalent

_MODULE = """
LIMIT = 3


def is_within(number):
    return number <= LIMIT


def add_up(numbers):
    total = 0
    for number in numbers:
        total += number
    return total


def wait_for(condition):
    turns = 0
    while not condition(turns):
        turns += 1
    return turns


def unused():
    return 1
"""

_TESTS = """
from summing.sums import add_up, is_within, wait_for


def test_within():
    assert is_within(2)
    assert not is_within(5)


def test_sum():
    assert add_up([1, 2, 3]) == 6


def test_wait():
    assert wait_for(lambda turns: turns == 2) == 2
"""

_PROGRAM = """
import json, sys
from pathlib import Path
from tests.mutation.changing import changes
from tests.mutation.covering import Cover, measure
from tests.mutation.packages import Package
from tests.mutation.running import try_all

folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
package = Package("summing", f"{folder}/summing", (f"{folder}/test_sums.py",), 90)
if sys.argv[2] == "measure":
    measure(package, folder / "cover.json")
else:
    cover = Cover.read(folder / "cover.json")
    every = [change for module in package.modules() for change in changes(module)]
    by_key = {change.key: change for change in every}
    for outcome in try_all(package, every, cover, 2, folder / "log"):
        change = by_key[outcome.key]
        print(json.dumps([change.function, change.before, change.after, outcome.how]))
"""


@pytest.fixture(scope="module")
def outcomes() -> Iterator[dict[tuple[str, str], str]]:
    FOLDER.mkdir(exist_ok=True)
    # Beneath the root, as the names of tests are relative to it.
    with tempfile.TemporaryDirectory(dir=FOLDER) as name:
        yield _outcomes_in(Path(name))


def _outcomes_in(folder: Path) -> dict[tuple[str, str], str]:
    (folder / "summing").mkdir()
    (folder / "summing/__init__.py").write_text("")
    (folder / "summing/sums.py").write_text(_MODULE)
    (folder / "test_sums.py").write_text(_TESTS)
    for action in ("measure", "try"):
        command = [sys.executable, "-c", _PROGRAM, str(folder), action]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [json.loads(line) for line in ran.stdout.splitlines()]
    return {(before, after): how for _, before, after, how in lines}


def test_a_change_that_a_test_notices_is_killed(outcomes: dict[tuple[str, str], str]) -> None:
    assert outcomes["total += number", "pass"] == "killed"
    assert outcomes["return total", "return None"] == "killed"


def test_a_change_that_no_test_notices_survives(outcomes: dict[tuple[str, str], str]) -> None:
    assert outcomes["return number <= LIMIT", "return number < LIMIT"] == "survived"


def test_a_constant_is_changed_before_it_is_imported(outcomes: dict[tuple[str, str], str]) -> None:
    assert outcomes["LIMIT = 3", "LIMIT = 4"] == "survived"
    assert outcomes["LIMIT = 3", "LIMIT = 2"] == "survived"


def test_a_change_that_never_ends_is_ended(outcomes: dict[tuple[str, str], str]) -> None:
    assert outcomes["turns += 1", "pass"] == "timeout"


def test_a_change_that_no_test_runs_is_not_covered(outcomes: dict[tuple[str, str], str]) -> None:
    assert outcomes["return 1", "return None"] == "uncovered"


def test_an_entry_describes_the_change_that_it_names_and_no_other() -> None:
    changes = changes_of(_MODULE, "summing.sums")
    entry = Equivalent("summing.sums", "add_up", "total = 0", "total = 1", "no reason")
    assert [change.after for change in changes if entry.describes(change)] == ["total = 1"]


def test_lines_changed_since_the_last_commit_are_lines_of_the_product() -> None:
    for file, spans in lines_changed_since("HEAD~1").items():
        assert file.startswith(("libs/", "services/"))
        assert all(span.start >= 1 and len(span) > 0 for span in spans)
