"""Parsing message bodies: whatever comes, the answer is a model or a reason."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.jobs import MAX_BODY_BYTES
from contracts.messages import JobEvents, RunJob, SubmitJob
from service_defaults.broker.message_reader import NotUnderstoodError, parse_body


def test_a_body_that_follows_the_contract_is_understood() -> None:
    body = RunJob(lock="ledger", job_id="j", is_deferred_copy=True).model_dump_json().encode()
    assert parse_body(body, RunJob) == RunJob(lock="ledger", job_id="j", is_deferred_copy=True)


def run_job(**values: Any) -> bytes:
    return json.dumps({"version": 1, "lock": "ledger", **values}).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"hello", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nests lists and objects more than 33 levels deep"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "nests lists and objects more than 33 levels deep"),
        (b" " * (256 * 1024 + 1), "bytes"),
        (b'{"version":1,"lock":NaN}', "NaN"),
        (b'{"version":1,"lock":-Infinity}', "-Infinity"),
        (b'{"version":1,"lock":1e999}', "too large"),
        (b'{"version":1,"lock":' + b"9" * 5_000 + b"}", "too many digits"),
        (b'{"version":1,"lock":"\\ud800"}', "half of a surrogate pair"),
        (b'{"version":1,"lock":"a","lock":"b"}', "'lock' twice"),
        (b"null", "body"),
        (b"[]", "body"),
        (run_job(version=2), "version"),
        (run_job(lock=7), "lock"),
        (run_job(is_deferred_copy=1), "is_deferred_copy"),
        (run_job(surprise=True), "surprise"),
    ],
)
def test_a_body_that_does_not_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotUnderstoodError, match=reason):
        parse_body(body, RunJob)


@pytest.mark.parametrize("is_own", [True, False])
def test_in_a_body_of_our_own_only_fields_named_twice_are_not_looked_for(is_own: bool) -> None:
    twice = b'{"version":1,"lock":"a","lock":"a"}'
    if is_own:
        assert parse_body(twice, RunJob, is_own=True) == RunJob(lock="a")
    for body in (b"", b"{", b'{"version":1}', b'{"version":1,"lock":7}', b'{"version":2,"lock":"a"}'):
        with pytest.raises(NotUnderstoodError):
            parse_body(body, RunJob, is_own=is_own)


def test_a_body_of_exactly_the_largest_size_is_read() -> None:
    body = run_job().ljust(MAX_BODY_BYTES)
    assert parse_body(body, RunJob).lock == "ledger"
    with pytest.raises(
        NotUnderstoodError, match=f"has {MAX_BODY_BYTES + 1} bytes, more than {MAX_BODY_BYTES}"
    ):
        parse_body(body + b" ", RunJob)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"version":1,"job":{"kind":"k","kind":"l"}}', "the body names 'kind' twice; send it once"),
        (b'[{"a":1,"b":2,"a":3}]', "the body names 'a' twice; send it once"),
        (
            b'{"version":1,"job":{"parameters":{"n":-1e400}}}',
            "the body contains a number too large for a 64-bit float; send it as text",
        ),
        (
            b'{"version":1,"job":{"parameters":{"n":[Infinity]}}}',
            "the body contains Infinity, which is not JSON; use null or a text",
        ),
        (b'{"version":1,\n"lock":}', "the body is not JSON: Expecting value at line 2, column 8"),
        (b"\xff", "the body is not UTF-8: byte 0 cannot be read"),
        (b"[" + b"9" * 5_000 + b"]", "the body contains a number with too many digits"),
        (b"[" * 100_000, "the body nests lists and objects more than 33 levels deep"),
    ],
)
def test_what_no_reader_would_understand_is_refused_wherever_it_stands(body: bytes, reason: str) -> None:
    with pytest.raises(NotUnderstoodError) as refused:
        parse_body(body, SubmitJob)
    assert str(refused.value) == reason


def test_a_reason_names_the_first_five_fields_that_are_wrong() -> None:
    body = run_job(**{f"field_{n}": n for n in range(9)})
    with pytest.raises(NotUnderstoodError) as refused:
        parse_body(body, RunJob)
    wrong = "is not a known field; known fields: "
    reasons = str(refused.value).split("; field_")
    assert [reason.partition(wrong)[0] for reason in reasons] == ["field_0: ", "1: ", "2: ", "3: ", "4: "]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"version": "1"}, "version"),
        ({"is_deferred_copy": "true"}, "is_deferred_copy"),
        ({"released": 1}, "released"),
    ],
)
def test_nothing_is_guessed_from_a_value_of_another_type(values: dict[str, Any], field: str) -> None:
    with pytest.raises(NotUnderstoodError, match=f"^{field}: "):
        parse_body(run_job(**values), RunJob)


def test_the_reason_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(NotUnderstoodError) as refused:
        parse_body(run_job(is_deferred_copy="canary-1f6971f6"), RunJob)
    assert "canary" not in str(refused.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


@given(st.one_of(st.binary(max_size=200), json_values.map(lambda value: json.dumps(value).encode())))
@pytest.mark.parametrize("model", [RunJob, SubmitJob, JobEvents])
def test_nothing_but_a_reason_is_ever_raised(model: type[RunJob], body: bytes) -> None:
    with suppress(NotUnderstoodError):
        parse_body(body, model)
