"""Each operator makes the changes that it is meant to, and nothing else is changed."""

import pytest
from tests.mutation.changing import changes_of


def _after(text: str, operator: str) -> list[str]:
    return [change.after for change in changes_of(text, "example") if change.operator == operator]


@pytest.mark.parametrize(
    ("operator", "text", "after"),
    [
        ("RemoveStatement", "def f(a):\n    a.add(1)\n    return a\n", ["pass"]),
        ("RemoveStatement", "async def f(a):\n    await a.add(1)\n", ["pass"]),
        ("RemoveStatement", "def f(a):\n    a.b = 1\n    a['c'] = 2\n", ["pass", "pass"]),
        ("RemoveStatement", "def f(a, n):\n    a += n\n    a = g(a)\n    return a\n", ["pass", "pass"]),
        ("ReplaceReturnValue", "def f():\n    return 1\n", ["return None"]),
        ("RemoveKeywordArgument", "x = f(1, a=2, b=3)\n", ["x = f(1, b=3)", "x = f(1, a=2)"]),
        ("RemoveOnlyKeywordArgument", "x = f(a=2)\n", ["x = f()"]),
        ("RemoveOperand", "x = a and b\n", ["x = b", "x = a"]),
        ("RemoveOperand", "x = a or b or c\n", ["x = b or c", "x = a or c", "x = a or b"]),
        ("RemoveMember", "x = {a, b}\n", ["x = {b}", "x = {a}"]),
        ("RemoveEntry", "x = {a: 1, b: 2}\n", ["x = { b: 2}", "x = {a: 1,}"]),
        ("CatchNothing", "try:\n    f()\nexcept A as a:\n    pass\n", ["except () as a:"]),
        ("CatchLess", "try:\n    f()\nexcept (A, b.C):\n    pass\n", ["except (b.C):", "except (A):"]),
        ("ReplaceInWithNotIn", "x = a in b\n", ["x = a not in b"]),
        ("ReplaceInWithNotIn", "x = a not in b\n", ["x = a in b"]),
        ("SwapMinAndMax", "x = min(a, b)\n", ["x = max(a, b)"]),
        ("NumberReplacer", "x = 5\n", ["x = 4", "x = 6"]),
        ("AddNot", "if a:\n    x = b\n", ["if not a:"]),
        ("ReplaceComparisonOperator_Lt_LtE", "x = a < b\n", ["x = a <= b"]),
    ],
)
def test_an_operator_changes(operator: str, text: str, after: list[str]) -> None:
    assert sorted(_after(text, operator)) == sorted(after)


@pytest.mark.parametrize(
    "text",
    [
        '"""What it is for."""\n',
        'def f() -> "str | None":\n    """Say nothing."""\n',
        "def f(a: int | None) -> int | None:\n    pass\n",
        "def f():\n    logger.warning('lost', extra={'a': 1, 'b': 2})\n",
        "x = 1e9\n",
        "@decorated\ndef f():\n    pass\n",
        "@dataclass(frozen=True)\nclass A:\n    pass\n",
        "def f():\n    x: int | None\n",
    ],
)
def test_what_means_nothing_is_not_changed(text: str) -> None:
    assert [change.after for change in changes_of(text, "example")] == []


def test_an_assertion_of_zip_is_not_taken_away() -> None:
    assert [change.after for change in changes_of("x = zip(a, b, strict=True)\n", "example")] == []


def test_a_change_keeps_its_key_when_its_function_moves_and_loses_it_when_it_changes() -> None:
    text = "class A:\n    def f(self, a):\n        return a < 1\n"
    keys = {change.key for change in changes_of(text, "example")}
    assert keys == {change.key for change in changes_of(f"import x\n\n\n{text}", "example")}
    assert keys.isdisjoint(change.key for change in changes_of(text.replace("a < 1", "a > 1"), "example"))


def test_a_change_names_its_function_and_its_statement() -> None:
    text = "class A:\n    def f(self):\n        g(\n            1,\n        )\n"
    [removed] = [change for change in changes_of(text, "example") if change.operator == "RemoveStatement"]
    assert (removed.function, removed.lines) == ("A.f", (3, 5))


def test_what_runs_on_import_belongs_to_no_function() -> None:
    assert {change.function for change in changes_of("class A:\n    size: int = 3\n", "example")} == {""}
    assert {change.function for change in changes_of("def f(size=3):\n    pass\n", "example")} == {""}


def test_no_change_leaves_a_trace_in_the_next_one() -> None:
    text = "def f(a, b):\n    if a and not b:\n        a.x = {1, 2}\n    return a\n"
    for change in changes_of(text, "example"):
        assert change.text != text
        assert sum(x != y for x, y in zip(change.text.split("\n"), text.split("\n"), strict=True)) == 1
