"""Lock names: one lock for one name, one name for one lock."""

import contextlib
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import lock_names


@pytest.mark.parametrize(
    ("name", "partition"),
    [
        ("default", "default-37a8eec1ce19687d132fe29051dca629"),
        ("ledger-2026", "ledger-2026-79d2c3abbae037418e7ed0737d331719"),
        ("Ledger", "ledger-ee69eb4afc76aae085cdfb153ca55d58"),
        ("Straße 7", "stra-e-7-7ac64854f7228390548e3446e65ebff2"),
        ("日本", "cf2abf0c5be326cb922a70f8163f9107"),
        ("a/b", "a-b-c14cddc033f64b9dea80ea675cf280a0"),
        ("x  y", "x-y-3ed3b2676dc7b745ab84b3cf16cb51a1"),
    ],
)
def test_partitions_never_change(name: str, partition: str) -> None:
    assert lock_names.partition(lock_names.normalise(name)) == partition


@pytest.mark.parametrize(
    ("spelling", "name"),
    [(" K ", "K"), ("Z\u0065\u0301ro", "Zéro"), ("\u212b", "Å"), ("\tledger\n", "ledger")],
)
def test_spellings_of_one_name_are_one_lock(spelling: str, name: str) -> None:
    assert lock_names.normalise(spelling) == name


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("", "must not be empty"),
        (" \t ", "must not be empty"),
        ("a\x00b", "U\\+0000"),
        ("a\u200bb", "U\\+200B"),
        ("a\u202eb", "U\\+202E"),
        ("a\u2028b", "U\\+2028"),
        ("a\ue000b", "U\\+E000"),
        ("\u3164", "U\\+3164"),
        ("a\ufe0f", "U\\+FE0F"),
        ("a\u2800b", "U\\+2800"),
        ("a\u00a0b", "blank U\\+00A0"),
        ("a\u3000b", "blank U\\+3000"),
        (".", "places"),
        (" .. ", "places"),
        ("\ud800", "surrogate"),
        ("x" * 201, "at most 200"),
    ],
)
def test_names_that_could_mislead_are_refused_with_the_reason(wrong: str, reason: str) -> None:
    with pytest.raises(lock_names.LockNameError, match=reason):
        lock_names.normalise(wrong)


def is_usable(text: str) -> bool:
    with contextlib.suppress(lock_names.LockNameError):
        return bool(lock_names.normalise(text))
    return False


#: Characters of every kind that a name may have, so that few draws are wasted on refused ones.
names = st.text(
    st.characters(categories=["L", "M", "N", "P", "S"], include_characters=" "), min_size=1, max_size=60
).filter(is_usable)


@given(names)
def test_a_normalised_name_is_stable_and_makes_a_usable_key(text: str) -> None:
    name = lock_names.normalise(text)
    assert lock_names.normalise(name) == name
    assert lock_names.normalise(unicodedata.normalize("NFD", name)) == name
    # Usable as a PartitionKey and as the name of a blob.
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*-)?[0-9a-f]{32}", lock_names.partition(name))


@given(st.text(max_size=250))
def test_any_text_is_normalised_or_refused_and_nothing_else(text: str) -> None:
    with contextlib.suppress(lock_names.LockNameError):
        assert lock_names.normalise(text)


@given(names, names)
def test_different_names_are_different_locks(one: str, other: str) -> None:
    spelled = {lock_names.normalise(one), lock_names.normalise(other)}
    assert len({lock_names.partition(name) for name in spelled}) == len(spelled)
