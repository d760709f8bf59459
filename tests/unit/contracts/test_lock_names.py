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
        ("a" * 40, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-e33cdf9c7f7120b98e8c78408953e07f"),
        ("a" * 41, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-c0f8bd4dbc2b0c03107c1c37913f2a75"),
        ("a" * 39 + " b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-cd6b30814fc1b40e89b773e8cba3fd72"),
        ("-a-", "a-a75a468f2ce51903a28d9d4c163f2d72"),
        ("\u0130", "i-a65018cffe8e0ed3f3112a79326e4c97"),
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
    "name", ["x" * 200, "💥" * 200, "...", ".a", "a.", "a b", "a  b", "-", "_", "Ledger", "ﬁ", "q\u0323"]
)
def test_a_name_in_its_one_form_stays_as_it_is(name: str) -> None:
    assert lock_names.normalise(name) == name


def test_letter_case_makes_another_lock() -> None:
    assert lock_names.partition("Ledger") != lock_names.partition("ledger")


def test_characters_are_counted_after_composing_and_without_blanks_around() -> None:
    assert lock_names.normalise(" " + "e\u0301" * 200 + "\t") == "\u00e9" * 200
    # This one has no composed form: its normal form is longer than what was written.
    assert len(lock_names.normalise("\u0958" * 100)) == 200
    with pytest.raises(lock_names.LockNameError, match="at most 200 characters, this one has 202"):
        lock_names.normalise("\u0958" * 101)


@pytest.mark.parametrize(
    "hidden",
    [
        *"\x00\x1f\x7f\x85\u00ad\u200b\u200f\u2060\ufeff\U000e0001",
        *"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\ufe00\ufe0f\uffa0",
        *"\U000e0100\U000e01ef\U000e0fff",
        *"\u2028\u2029\ue000\U0010fffd\u0378\uffff",
    ],
    ids=ascii,
)
def test_no_invisible_character_may_stand_in_a_name(hidden: str) -> None:
    with pytest.raises(lock_names.LockNameError, match=f"invisible character U\\+{ord(hidden):04X}; remove"):
        lock_names.normalise(f"a{hidden}b")


@pytest.mark.parametrize("blank", "\u00a0\u1680\u2002\u200a\u202f\u205f\u3000", ids=ascii)
def test_no_blank_but_the_plain_one_may_stand_in_a_name(blank: str) -> None:
    with pytest.raises(lock_names.LockNameError, match=f"blank U\\+{ord(blank):04X}; use a plain one"):
        lock_names.normalise(f"a{blank}b")


@pytest.mark.parametrize(
    "beside",
    "\u034e\u1161\u17b6\u180a\u1810\u27ff\u2801\u3163\u3165\ufdff\ufe10\uffa1\u0301",
    ids=ascii,
)
def test_characters_beside_the_invisible_ones_may_stand_in_a_name(beside: str) -> None:
    assert lock_names.normalise(f"b{beside}") == f"b{beside}"


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
        (".", "have a meaning"),
        (" .. ", "have a meaning"),
        ("\ud800", "surrogate"),
        (chr(0xDFFF), "surrogate"),
        ("a\ud800b", "surrogate"),
        ("x" * 201, "at most 200 characters, this one has 201"),
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


@given(name=st.text(max_size=60), length=st.integers(0, 60))
def test_the_partition_of_a_name_starts_with_that_of_each_of_its_beginnings(name: str, length: int) -> None:
    assert lock_names.partition(name).startswith(lock_names.partition_prefix(name[:length]))


@pytest.mark.parametrize(
    ("prefix", "start"),
    [("", ""), ("Led", "led"), ("a /", "a"), ("/a", "a"), ("☃", ""), ("a" * 60, "a" * 40)],
)
def test_the_beginning_of_a_name_is_spelled_as_partitions_are(prefix: str, start: str) -> None:
    assert lock_names.partition_prefix(prefix) == start
