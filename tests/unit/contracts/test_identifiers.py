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


def test_ids_keep_rising_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    source = identifiers.TimeOrderedIds()
    monkeypatch.setattr("time.time_ns", lambda: 2_000_000_000_000_000_000)
    before = source.next()
    monkeypatch.setattr("time.time_ns", lambda: 1_000_000_000_000_000_000)
    assert source.next() > before


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
    ],
)
def test_other_spellings_are_refused(wrong: str) -> None:
    with pytest.raises(identifiers.JobIdError, match="is not a UUID"):
        identifiers.normalise_job_id(wrong)
