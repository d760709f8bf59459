"""Hostile lock names and ids by the thousand: one lock for one name, one name for one lock, or a clear no.

FUZZ_NAMES is how many are tried, FUZZ_SEED what they are drawn from.
"""

import os
import random
import re
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import identifiers, lock_names

_NAMES = int(os.environ.get("FUZZ_NAMES", "10000"))

#: A PartitionKey has at most 512 characters without / \ # ? and control characters; a blob's name has at
#: most 1024, and does not end with a dot or a slash.
_KEY = re.compile(r"[0-9a-z-]{32,100}")

#: What has had a meaning somewhere: in addresses, queries, shells, file systems, storage keys.
_PARTS = [
    *"/\\#?%'\"~*:|&;-_.07AaKéÅΩßẞİ가²ⅷ💥",
    *"\u0131\u212b\u2126\u212a\ufb01\u200b\u200d\u202e\u2066\u3164\ufe0f\u2800\ud800\U000e0041",
    *" \t\n\r\x00\x7f\x85\u00a0\u2003\u3000\u2028\ufeff",
    *("e\u0301", "\u1100\u1161", "fi", "日本", "👩\u200d💻", "..", "../", "--", "''", "%2F", "%00"),
    *("$logs", "${x}", "CON", "nul", "null", "None", "true", "default", "__proto__", "' or 1 eq 1 or '"),
    *("x" * 41, "x" * 190),
]


def spelling(chooser: random.Random) -> str:
    """Make up a name out of parts that have made trouble somewhere."""
    return "".join(chooser.choice(_PARTS) for _ in range(chooser.randint(1, 5)))


def same_name(one: str, other: str) -> bool:
    """Whether people mean one name: canonically equivalent, but for the blanks around it."""
    return unicodedata.normalize("NFD", one.strip()) == unicodedata.normalize("NFD", other.strip())


def test_no_two_names_share_a_lock_and_no_name_has_two() -> None:
    chooser = random.Random(int(os.environ.get("FUZZ_SEED", "1")))
    spelled: dict[str, str] = {}
    refused = 0
    while len(spelled) < _NAMES:
        text = spelling(chooser)
        try:
            name = lock_names.normalise(text)
        except lock_names.LockNameError:
            refused += 1
            continue
        assert same_name(text, name)
        partition = lock_names.partition(name)
        assert _KEY.fullmatch(partition)
        assert spelled.setdefault(partition, name) == name
        for form in ("NFC", "NFD"):
            again = lock_names.normalise(f" {unicodedata.normalize(form, text)} ")
            assert lock_names.partition(again) == partition
    assert len(set(spelled.values())) == len(spelled)
    assert refused > _NAMES / 10


def _and_another(one: str) -> st.SearchStrategy[tuple[str, str]]:
    """Pair a text with any other, or with one that means the same or nearly so."""
    alike = [unicodedata.normalize("NFC", one), unicodedata.normalize("NFD", one), f" {one}", one.swapcase()]
    return st.tuples(st.just(one), st.text(max_size=1100) | st.sampled_from(alike))


@settings(max_examples=_NAMES // 10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=1100).flatmap(_and_another))
def test_two_texts_are_one_lock_only_if_they_are_one_name(pair: tuple[str, str]) -> None:
    one, other = pair
    partitions = []
    for text in (one, other):
        try:
            partitions.append(lock_names.partition(lock_names.normalise(text)))
        except lock_names.LockNameError:
            return
    assert (partitions[0] == partitions[1]) == same_name(one, other)


spelled_ids = st.builds(
    lambda value, form, is_upper: form.format(str(value).upper() if is_upper else value),
    st.uuids(),
    st.sampled_from(["{}", "{{{}}}", "urn:uuid:{}", "{}\n", " {}", "{}\x00", "{}/", "{}" + "0" * 1000]),
    st.booleans(),
)


@settings(max_examples=_NAMES // 10, deadline=None)
@given(spelled_ids | st.uuids().map(lambda value: value.hex) | st.text(max_size=50))
def test_an_id_is_a_uuid_in_its_one_form_or_refused(value: str) -> None:
    if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", value, re.ASCII):
        assert identifiers.normalise_job_id(value) == value.lower()
        return
    with pytest.raises(identifiers.JobIdError, match="is not a UUID such as") as refused:
        identifiers.normalise_job_id(value)
    assert len(str(refused.value)) < 400
