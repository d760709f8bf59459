"""Names and ids that stand in the path of a request: what none of them can be."""

import unicodedata

#: Control characters, halves of surrogate pairs, and what ends a line or a paragraph.
_UNUSABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def wrong_name(name: str) -> str | None:
    """Return why nothing can have this name or id, and what to write; None where something may."""
    if not name.strip():
        return "must not be empty"
    for character in name:
        if unicodedata.category(character) in _UNUSABLE:
            return f"must not contain the control character U+{ord(character):04X}; remove it"
    return None
