"""How code is changed: cosmic-ray's own operators, as far as they change meaning, and some of ours.

Not changed are texts, what is logged, annotations, imports, whether there is a decorator, how a dataclass
is made, numbers like 1e9 (they convert units), and `strict=True` of zip (an assertion). Of all the ways to
replace a comparison, or an operator of arithmetic, by another, only the nearest is tried: what notices that
one notices the others.
"""

from collections.abc import Iterator
from typing import Any

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.plugins import get_operator
from parso.python.tree import Keyword, Name
from parso.python.tree import Operator as Sign
from parso.tree import NodeOrLeaf

_Positions = Iterator[tuple[tuple[int, int], tuple[int, int]]]

_KEPT = (
    "AddNot",
    "NumberReplacer",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_Mul",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBreakWithContinue",
    "ReplaceComparisonOperator_Eq_NotEq",
    "ReplaceComparisonOperator_GtE_Gt",
    "ReplaceComparisonOperator_Gt_GtE",
    "ReplaceComparisonOperator_IsNot_Is",
    "ReplaceComparisonOperator_Is_IsNot",
    "ReplaceComparisonOperator_LtE_Lt",
    "ReplaceComparisonOperator_Lt_LtE",
    "ReplaceComparisonOperator_NotEq_Eq",
    "ReplaceContinueWithBreak",
    "ReplaceFalseWithTrue",
    "ReplaceTrueWithFalse",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
)


_LOGGING = ("logger.", "_logger.", "logging.")

#: Arguments that are not taken away: texts for people, and what zip asserts.
_WORDS = frozenset({"description", "title", "summary", "strict"})


def _span(node: NodeOrLeaf) -> tuple[tuple[int, int], tuple[int, int]]:
    return node.start_pos, node.end_pos


def _text(node: NodeOrLeaf) -> str:
    return str(node.get_code(include_prefix=False))


class _OneChange(Operator):  # type: ignore[misc]
    """Changes a node in at most one way."""

    def mutation_positions(self, node: Any) -> _Positions:
        if self.fits(node):
            yield _span(node)

    def fits(self, node: Any) -> bool:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


class RemoveStatement(_OneChange):
    """Leave out a call, a change of an attribute or item, or a new value of a name made from the old."""

    def fits(self, node: Any) -> bool:
        if node.type != "simple_stmt" or not _is_in_function(node):
            return False
        statement = node.children[0]
        if statement.type in {"atom_expr", "power", "del_stmt"}:
            return True
        if statement.type != "expr_stmt":
            return False
        target, sign = statement.children[0], statement.children[1]
        if sign.type != "operator" or sign.value != "=":
            return bool(sign.type == "operator")  # an augmented assignment; annassign declares a name
        if target.type in {"atom_expr", "power"}:
            return True
        value = statement.children[2]
        return bool(target.type == "name" and target.value in _names(value))

    def mutate(self, node: Any, index: int) -> Any:
        first = node.get_first_leaf()
        node.children[0] = Keyword("pass", first.start_pos, prefix=first.prefix)
        return node


class ReplaceReturnValue(_OneChange):
    """Return None instead of a value."""

    def fits(self, node: Any) -> bool:
        return bool(node.type == "return_stmt") and _text(node.children[1]) != "None"

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = Keyword("None", node.children[1].start_pos, prefix=" ")
        return node


class _RemoveChild(Operator):  # type: ignore[misc]
    """Removes one of the children of a node, with the sign before or behind it."""

    def mutation_positions(self, node: Any) -> _Positions:
        for number in self.children(node):
            yield _span(node.children[number])

    def mutate(self, node: Any, index: int) -> Any:
        number = list(self.children(node))[index]
        has_sign_behind = number + 1 < len(node.children) and node.children[number + 1].type in {
            "operator",
            "keyword",
        }
        removed = slice(number, number + 2) if has_sign_behind else slice(max(number - 1, 0), number + 1)
        prefix = node.children[removed.start].get_first_leaf().prefix
        del node.children[removed]
        if removed.start < len(node.children):
            node.children[removed.start].get_first_leaf().prefix = prefix
        return node

    def children(self, node: Any) -> list[int]:
        raise NotImplementedError

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


class RemoveKeywordArgument(_RemoveChild):
    """Call without one of the keyword arguments."""

    def children(self, node: Any) -> list[int]:
        if node.type != "arglist":
            return []
        return [
            n
            for n, child in enumerate(node.children)
            if child.type == "argument" and _is_keyword(child) and child.children[0].value not in _WORDS
        ]


class RemoveOnlyKeywordArgument(Operator):  # type: ignore[misc]
    """Call without the keyword argument that is the only argument."""

    def mutation_positions(self, node: Any) -> _Positions:
        is_alone = node.type == "trailer" and len(node.children) == 3 and node.children[1].type == "argument"
        if is_alone and _is_keyword(node.children[1]) and node.children[1].children[0].value not in _WORDS:
            yield _span(node.children[1])

    def mutate(self, node: Any, index: int) -> Any:
        del node.children[1]
        return node

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


class RemoveOperand(_RemoveChild):
    """Leave out one of the conditions that `and`, or `or`, joins."""

    def children(self, node: Any) -> list[int]:
        return list(range(0, len(node.children), 2)) if node.type in {"and_test", "or_test"} else []


class RemoveMember(_RemoveChild):
    """Leave out one member of a set, or one entry of a mapping, that is written out."""

    def children(self, node: Any) -> list[int]:
        if node.type != "dictorsetmaker" or any(child.type == "sync_comp_for" for child in node.children):
            return []
        if any(isinstance(child, Sign) and child.value in {":", "**"} for child in node.children):
            return []  # entries of a mapping are three children each; see RemoveEntry
        members = [n for n, child in enumerate(node.children) if not isinstance(child, Sign)]
        return members if len(members) > 1 else []


class RemoveEntry(Operator):  # type: ignore[misc]
    """Leave out one entry of a mapping that is written out."""

    def mutation_positions(self, node: Any) -> _Positions:
        for number in self._entries(node):
            yield node.children[number].start_pos, node.children[number + 2].end_pos

    def mutate(self, node: Any, index: int) -> Any:
        number = self._entries(node)[index]
        del node.children[number : number + 4]
        return node

    @staticmethod
    def _entries(node: Any) -> list[int]:
        if node.type != "dictorsetmaker" or any(child.type == "sync_comp_for" for child in node.children):
            return []
        signs = [n for n, child in enumerate(node.children) if isinstance(child, Sign) and child.value == ":"]
        return [n - 1 for n in signs] if len(signs) > 1 else []

    @classmethod
    def examples(cls) -> tuple[Example, ...]:
        return ()


class CatchNothing(_OneChange):
    """Let every exception through that a clause catches."""

    def fits(self, node: Any) -> bool:
        return bool(node.type == "except_clause")

    def mutate(self, node: Any, index: int) -> Any:
        node.children[1] = Name("()", node.children[1].start_pos, prefix=" ")
        return node


class CatchLess(_RemoveChild):
    """Let one of the exceptions through that a clause catches."""

    def children(self, node: Any) -> list[int]:
        if node.type != "testlist_comp" or node.parent.parent.type != "except_clause":
            return []
        return [n for n, child in enumerate(node.children) if not isinstance(child, Sign)]


class ReplaceInWithNotIn(_OneChange):
    """Ask whether something is absent instead of present, and the other way round."""

    def fits(self, node: Any) -> bool:
        return node.type == "comparison" and _text(node.children[1]) in {"in", "not in"}

    def mutate(self, node: Any, index: int) -> Any:
        other = "not in" if _text(node.children[1]) == "in" else "in"
        node.children[1] = Keyword(other, node.children[1].start_pos, prefix=" ")
        return node


class SwapMinAndMax(_OneChange):
    """Take the greatest instead of the least, and the other way round."""

    def fits(self, node: Any) -> bool:
        if node.type != "name" or node.value not in {"min", "max"}:
            return False
        behind = node.get_next_leaf()
        return behind is not None and behind.value == "("

    def mutate(self, node: Any, index: int) -> Any:
        return Name("max" if node.value == "min" else "min", node.start_pos, prefix=node.prefix)


_OURS: tuple[type[Operator], ...] = (
    RemoveStatement,
    ReplaceReturnValue,
    RemoveKeywordArgument,
    RemoveOnlyKeywordArgument,
    RemoveOperand,
    RemoveMember,
    RemoveEntry,
    CatchNothing,
    CatchLess,
    ReplaceInWithNotIn,
    SwapMinAndMax,
)


def operators() -> dict[str, Operator]:
    """Return every operator that is used, by its name."""
    kept = {name: get_operator(f"core/{name}")() for name in _KEPT}
    return kept | {operator.__name__: operator() for operator in _OURS}


def is_left_out(node: Any) -> bool:
    """Return whether a node is part of what is not changed."""
    if node.type == "number" and "e" in node.value.lower() and not node.value.lower().startswith("0x"):
        return True
    if (
        node.type == "keyword"
        and node.parent.type == "argument"
        and node.parent.children[0].value == "strict"
    ):
        return True
    statement = node if node.type == "simple_stmt" else node.search_ancestor("simple_stmt")
    if statement is not None and _text(statement).startswith(_LOGGING):
        return True
    child, parent = node, node.parent
    while parent is not None and parent.type not in {"simple_stmt", "file_input"}:
        if parent.type == "decorator" and _text(parent).startswith("@dataclass"):
            return True
        if parent.type == "annassign":
            return bool(child is parent.children[1])
        if parent.type == "param":
            return bool(child.type == "tfpdef")
        if parent.type == "funcdef":
            return bool(child is not parent.children[-1])
        child, parent = parent, parent.parent
    return False


def _is_in_function(node: NodeOrLeaf) -> bool:
    parent = node.parent
    while parent is not None and parent.type not in {"funcdef", "classdef", "file_input"}:
        parent = parent.parent
    return parent is not None and parent.type == "funcdef"


def _is_keyword(argument: Any) -> bool:
    return (
        len(argument.children) == 3
        and argument.children[1].type == "operator"
        and _text(argument.children[1]) == "="
    )


def _names(node: Any) -> set[str]:
    if node.type == "name":
        return {node.value}
    return {name for child in getattr(node, "children", ()) for name in _names(child)}
