"""Which tests may notice a change."""

from tests.mutation.changing import Changed
from tests.mutation.covering import Cover

_COVER = Cover(
    seconds={"tests/a.py::quick": 0.1, "tests/a.py::slow": 1.0, "tests/b.py::other": 0.5},
    tests={"pkg.sums": {3: ["tests/a.py::slow", "tests/a.py::quick"], 4: ["tests/b.py::other"]}},
    failing=["tests/b.py::broken"],
)


def _change(function: str, lines: tuple[int, int]) -> Changed:
    return Changed("key", "pkg.sums", function, lines, "AddNot", "if a", "if not a", "")


def test_tests_that_run_a_statement_may_notice_its_change_the_quick_ones_first() -> None:
    assert _COVER.of_change(_change("f", (3, 3))) == ["tests/a.py::quick", "tests/a.py::slow"]
    assert _COVER.of_change(_change("f", (3, 4)))[1] == "tests/b.py::other"
    assert _COVER.of_change(_change("f", (9, 9))) == []


def test_every_test_may_notice_a_change_of_what_runs_on_import_for_a_few_seconds() -> None:
    assert len(_COVER.of_change(_change("", (1, 1)))) == 3
    long = Cover(seconds={f"tests/a.py::{n}": 1.5 for n in range(9)})
    assert len(long.of_change(_change("", (1, 1)))) == 2


def test_what_a_changed_file_ran_is_forgotten_and_the_rest_is_not() -> None:
    cover = Cover(dict(_COVER.seconds), {"pkg.sums": dict(_COVER.tests["pkg.sums"])}, list(_COVER.failing))
    cover.forget({"tests/b.py"})
    assert sorted(cover.seconds) == ["tests/a.py::quick", "tests/a.py::slow"]
    assert cover.tests["pkg.sums"] == {3: ["tests/a.py::slow", "tests/a.py::quick"], 4: []}
    assert cover.failing == []
