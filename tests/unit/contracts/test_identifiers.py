"""Job ids and ticket order."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import identifiers


def test_new_ids_are_version_7_uuids_that_rise() -> None:
    ids = [identifiers.new_id() for _ in range(10_000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    parsed = uuid.UUID(ids[0])
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


def test_new_ids_tell_the_time_of_their_making(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_780_000_000_123 * 1_000_000)
    made = identifiers.TimeOrderedIds().next()
    assert made.int >> 80 == 1_780_000_000_123


def test_more_ids_than_a_millisecond_has_numbers_rise_into_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    milliseconds = 1_780_000_000_123
    monkeypatch.setattr("time.time_ns", lambda: milliseconds * 1_000_000)
    source = identifiers.TimeOrderedIds()
    ids = [source.next() for _ in range(4098)]

    assert ids == sorted(ids)
    # What orders them is the time and the counter, not what is drawn at random.
    counted = [(one.int >> 80, one.int >> 64 & 0xFFF) for one in ids]
    assert counted == [
        *((milliseconds, number) for number in range(4096)),
        (milliseconds + 1, 0),
        (milliseconds + 1, 1),
    ]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}


def test_two_processes_make_different_ids_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 1_780_000_000_123_000_000)
    tails = [identifiers.TimeOrderedIds().next().int & ((1 << 62) - 1) for _ in range(200)]

    assert len(set(tails)) == 200
    # Each of the 62 bits is drawn: 200 draws of one bit are all alike once in 2 ** 199.
    either, both = 0, (1 << 62) - 1
    for tail in tails:
        either, both = either | tail, both & tail
    assert (either, both) == ((1 << 62) - 1, 0)


def test_two_threads_never_count_the_same_number() -> None:
    """The last number is read, and the next one written, while no other thread can."""
    alone: list[bool] = []

    class Watched(identifiers.TimeOrderedIds):
        @property
        def _last(self) -> int:
            alone.append(self._mutex.locked())
            return self._number

        @_last.setter
        def _last(self, number: int) -> None:
            alone.append(self._mutex.locked())
            self._number = number

    source = Watched()
    assert alone == [False]
    source.next()
    assert alone == [False, True, True]


def test_ids_keep_rising_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    source = identifiers.TimeOrderedIds()
    monkeypatch.setattr("time.time_ns", lambda: 2_000_000_000_000_000_000)
    before = source.next()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000_000_000_000)
    assert source.next() > before


@pytest.mark.parametrize("version", range(16))
def test_an_id_may_have_any_version_and_variant(version: int) -> None:
    value = f"018f6c3e-7b1a-{version:x}c4e-{version:x}d3a-0123456789ab"
    assert identifiers.normalise_job_id(value) == value


@pytest.mark.parametrize(
    "value", ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"]
)
def test_the_smallest_and_the_largest_id_are_ids(value: str) -> None:
    assert identifiers.normalise_job_id(value) == value


@given(st.uuids())
def test_any_uuid_is_accepted_in_either_case(value: uuid.UUID) -> None:
    assert identifiers.normalise_job_id(str(value).upper()) == str(value)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x",
        "018f6c3e7b1a7c4e9d3a0123456789ab",
        "{018f6c3e-7b1a-7c4e-9d3a-0123456789ab}",
        "018f6c3e-7b1a-7c4e-9d3a-0123456789ab ",
        "urn:uuid:018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
        "018f6c3e7-b1a-7c4e-9d3a-0123456789ab",
        "\uff1018f6c3e-7b1a-7c4e-9d3a-0123456789ab",
        "+18f6c3e-7b1a-7c4e-9d3a-0123456789ab",
        "018f6c3e-7b1a-7c4e-9d3a-0123456789a_",
        "\ud8008f6c3e-7b1a-7c4e-9d3a-0123456789ab",
    ],
)
def test_other_spellings_are_refused(wrong: str) -> None:
    with pytest.raises(identifiers.JobIdError, match="is not a UUID"):
        identifiers.normalise_job_id(wrong)


@pytest.mark.parametrize(("length", "shown"), [(80, 80), (81, 80), (1000, 80)])
def test_a_long_value_is_not_repeated_in_full(length: int, shown: int) -> None:
    with pytest.raises(identifiers.JobIdError) as refused:
        identifiers.normalise_job_id("x" * length)
    assert str(refused.value).startswith(f"'{'x' * shown}' is not a UUID such as ")


def test_the_id_of_a_key_is_the_same_in_every_release() -> None:
    assert identifiers.id_of_key("ada", "k-1") == "553e23c7-6513-8fd4-b782-e88498429172"


@given(st.text(max_size=30), st.text(max_size=30))
def test_the_id_of_a_key_is_a_uuid_of_version_8(actor: str, key: str) -> None:
    made = identifiers.id_of_key(actor, key)
    parsed = uuid.UUID(made)
    assert (parsed.version, parsed.variant, str(parsed)) == (8, uuid.RFC_4122, made)
    assert identifiers.normalise_job_id(made) == made
    # No actor can write a key of another one's job.
    assert made != identifiers.id_of_key(f"{actor}{key[:1]}", key[1:]) or not key
