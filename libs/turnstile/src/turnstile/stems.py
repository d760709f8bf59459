"""The part of a step's name that the handler's code fixes, which names the step's span.

What data adds to a name ("import " + customer) would make as many names of spans as there are data. So the
longest text that the calling function's code contains and that the name begins with is taken: of "load" all,
of f"import {customer}" the word "import".
"""

import sys
from functools import lru_cache
from types import CodeType


def calling_code() -> CodeType:
    """Return the code that called the function which calls this one."""
    return sys._getframe(2).f_code  # noqa: SLF001 - the way that the standard library looks at its callers, too


def stem_of(name: str, code: CodeType) -> str:
    """Return the part of the name that this code fixes; empty when it is made of data alone."""
    for text in _texts(code):
        if name.startswith(text) and _is_whole(text, name):
            return text.rstrip(" -_:;,./([{=")
    return ""


def _is_whole(text: str, name: str) -> bool:
    """Return whether a text at a name's beginning ends where a word does, and is not there by chance."""
    return len(text) == len(name) or not (text[-1].isalpha() and name[len(text)].isalpha())


@lru_cache(maxsize=1000)
def _texts(code: CodeType) -> tuple[str, ...]:
    """Return the texts in the code of a function, longest first."""
    texts: set[str] = set()
    for constant in code.co_consts:
        parts = constant if isinstance(constant, tuple | frozenset) else (constant,)
        texts.update(part for part in parts if isinstance(part, str) and part.strip())
    return tuple(sorted(texts, key=lambda text: (-len(text), text)))
