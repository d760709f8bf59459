"""Lock names: one spelling for one lock, and the storage partition that stands for it."""

import hashlib
import re
import unicodedata

#: The lock of a job that names none.
DEFAULT_LOCK = "default"

#: Longest accepted name, in characters after normalisation.
MAX_LENGTH = 200

#: What JSON schemas call it.
FORMAT = "lock-name"

_SLUG_LENGTH = 40


class LockNameError(ValueError):
    """The lock name cannot be used."""


def normalise(name: str) -> str:
    """Give the one spelling of a lock name: Unicode form NFC, no blanks around it.

    Raises LockNameError when nothing is left, when the name is longer than MAX_LENGTH characters, or when
    it contains control, format, unassigned or surrogate characters, which would make two names look alike.
    Letter case counts: `Ledger` and `ledger` are two locks.
    """
    if any(0xD800 <= ord(character) <= 0xDFFF for character in name):
        raise LockNameError("a lock name must not contain surrogate characters")
    spelled = unicodedata.normalize("NFC", name).strip()
    if not spelled:
        raise LockNameError("a lock name must not be empty")
    if len(spelled) > MAX_LENGTH:
        raise LockNameError(f"a lock name has at most {MAX_LENGTH} characters, this one has {len(spelled)}")
    for character in spelled:
        if unicodedata.category(character) in {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}:
            raise LockNameError(
                f"a lock name must not contain the invisible character U+{ord(character):04X}; remove it"
            )
    return spelled


def partition(name: str) -> str:
    """Give the journal partition and the blob name of a lock: a readable slug and a 128-bit hash.

    The name must be normalised. The function is pinned by golden tests: changing it would orphan every
    stored lock.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_SLUG_LENGTH].strip("-")
    digest = hashlib.sha256(name.encode()).hexdigest()[:32]
    return f"{slug}-{digest}" if slug else digest
