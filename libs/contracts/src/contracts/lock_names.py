"""Lock names: one spelling for one lock, and the storage partition that stands for it."""

import hashlib
import re
import unicodedata
from functools import lru_cache

#: The lock of a job that names none.
DEFAULT_LOCK = "default"

#: Longest accepted name, in characters after normalisation.
MAX_LENGTH = 200

#: What JSON schemas call it.
FORMAT = "lock-name"

_SLUG_LENGTH = 40

#: Characters without a look of their own that count as letters, marks or symbols (Unicode's
#: Default_Ignorable_Code_Point, and the empty Braille cell).
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)


class LockNameError(ValueError):
    """The lock name cannot be used."""


def normalise(name: str) -> str:
    """Return the one spelling of a lock name: Unicode form NFC, no blanks around it.

    Raises LockNameError when nothing is left, when the name is longer than MAX_LENGTH characters, or when
    it contains control, format, unassigned, surrogate or otherwise invisible characters or other blanks than
    the plain one, which would make two names look alike. `.` and `..` are not names: in an address they mean
    another place. Letter case counts: `Ledger` and `ledger` are two locks.
    """
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise LockNameError("a lock name must not contain surrogate characters")
    spelled = unicodedata.normalize("NFC", name).strip()
    if not spelled:
        raise LockNameError("a lock name must not be empty")
    if len(spelled) > MAX_LENGTH:
        raise LockNameError(f"a lock name has at most {MAX_LENGTH} characters, this one has {len(spelled)}")
    if spelled in {".", ".."}:
        raise LockNameError("a lock name must not be . or .., which have a meaning in URLs")
    for character in spelled:
        category = unicodedata.category(character)
        if category in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"} or _UNSEEN.match(character):
            raise LockNameError(
                f"a lock name must not contain the invisible character U+{ord(character):04X}; remove it"
            )
        if category == "Zs" and character != " ":
            raise LockNameError(
                f"a lock name must not contain the blank U+{ord(character):04X}; use a plain one"
            )
    return spelled


@lru_cache(10_000)
def partition(name: str) -> str:
    """Return the journal partition and the blob name of a lock: a readable slug and a 128-bit hash.

    The name must be normalised. The function is pinned by golden tests: changing it would orphan every
    stored lock.
    """
    slug = _slug(name).strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{slug}-{digest}" if slug else digest


def partition_prefix(prefix: str) -> str:
    """Return what the partitions of all locks start with whose names start with this text.

    Partitions of other locks may start with it, too: compare the names, in upper or lower case.
    """
    return _slug(prefix).strip("-")


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())[:_SLUG_LENGTH]
