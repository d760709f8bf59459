"""Which metrics and labels an expression of PromQL mentions, as far as the expressions here go."""

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_WINDOW = re.compile(r"\[[^\]]*\]|\boffset\s+\S+?(?=[\s)]|$)")
_GROUPING = re.compile(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_SELECTOR = re.compile(r"([a-zA-Z_:][\w:]*)\s*\{([^}]*)\}")
_NAME = re.compile(r"(?<![\w.$:])[a-zA-Z_:][\w:]*")
_FUNCTION = re.compile(r"[a-zA-Z_]\w*\s*(?=\()")
_WORDS = {"and", "or", "unless", "bool", "sum", "max", "min", "count", "topk", "by", "on"}


@dataclass(frozen=True)
class Mentioned:
    """What an expression mentions."""

    metrics: frozenset[str]
    #: Labels by which something is grouped or joined.
    grouped: frozenset[str]
    #: Labels in braces, with their metric.
    selected: frozenset[tuple[str, str]]


def mentioned(expression: str) -> Mentioned:
    """Take an expression apart."""
    text = _STRING.sub('""', expression)
    grouped = {name.strip() for _, names in _GROUPING.findall(text) for name in names.split(",")} - {""}
    text = _GROUPING.sub(" ", text)
    selected = {
        (metric, condition.split("=")[0].rstrip("!~ ").strip())
        for metric, conditions in _SELECTOR.findall(text)
        for condition in conditions.split(",")
    }
    text = _WINDOW.sub(" ", re.sub(r"\{[^}]*\}", "", text))
    names = set(_NAME.findall(_FUNCTION.sub(" ", text))) - _WORDS
    return Mentioned(frozenset(names), frozenset(grouped), frozenset(selected))
