"""Values that are kept: JSON, and no more than 256 KiB of it."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import pytest
from pydantic import BaseModel, computed_field
from tests.unit.turnstile.trying import Position, run

from turnstile import JobContext, NotStorableError
from turnstile.values import MAX_BYTES, finite, to_json


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("x" * 262_143, r"has 262,145 bytes; at most 262,144"),
        ("ü" * 140_000, "has 280,002 bytes"),
        (object(), "is not JSON"),
        (float("nan"), "is not JSON"),
        ("\ud800", "is not JSON"),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_the_steps_name_and_the_size(channel, value, reason):
    async def body(ctx: JobContext):
        with pytest.raises(NotStorableError, match=f"the state {reason}"):
            await ctx.save_state(value)
        async with ctx.step("load") as step:
            step.result = value

    with pytest.raises(NotStorableError, match=f"the result of step 'load' {reason}"):
        await run(body, channel)
    assert channel.steps == []


async def test_the_largest_value_can_be_kept(channel):
    async def body(ctx: JobContext):
        await ctx.save_state("x" * 262_142)

    await run(body, channel)
    assert len(channel.state) == 262_144


@pytest.mark.parametrize("value", ["x" * 262_142, "ü" * 131_071, [0] * 131_070 + [10]])
def test_the_limit_counts_bytes_of_json(value):
    assert len(to_json(value, "it").encode()) == MAX_BYTES
    longer = value + value[-1:]
    with pytest.raises(NotStorableError, match=r"^it has 262,14\d bytes; at most 262,144 are kept$"):
        to_json(longer, "it")


def test_values_are_written_without_blanks_and_as_they_read():
    value = {"a": [1, "ü"], "at": Position(at=1), "when": datetime(2026, 1, 2, tzinfo=UTC)}
    assert to_json(value, "it") == '{"a":[1,"ü"],"at":{"at":1},"when":"2026-01-02T00:00:00Z"}'


def test_a_value_that_contains_itself_is_not_json():
    value: list[object] = []
    value.append(value)
    with pytest.raises(NotStorableError, match=r"^it is not JSON: "):
        to_json(value, "it")


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_json_lacks_is_refused_wherever_it_stands(number):
    with pytest.raises(NotStorableError, match=r"^it is not JSON: "):
        to_json({"deep": [number]}, "it")


@pytest.mark.parametrize("error", [TypeError("odd"), RecursionError("odd"), ValueError("odd")])
def test_a_model_that_cannot_be_written_is_not_json(error):
    class Odd(BaseModel):
        @computed_field  # type: ignore[prop-decorator]
        @property
        def odd(self) -> int:
            raise error

    with pytest.raises(NotStorableError, match=r"^it is not JSON: odd$"):
        to_json(Odd(), "it")


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({1: "a", "1": "b"}, "1"),
        ({True: "a", "true": "b"}, "true"),
        ({None: 1, "None": 2}, "None"),
        ([{"deep": ({1.5: "a", "1.5": "b"},)}], "1.5"),
        ({date(2026, 1, 2): 1, "2026-01-02": 2}, "2026-01-02"),
    ],
)
def test_keys_that_would_become_one_are_refused(value, key):
    with pytest.raises(NotStorableError, match=f"^it is not JSON: two keys of a dict .*'{key}'$"):
        to_json(value, "it")


def test_keys_of_a_models_dict_that_would_become_one_are_refused():
    class Counts(BaseModel):
        counts: dict[int | str, int]

    with pytest.raises(NotStorableError, match="two keys of a dict would both become '1'"):
        to_json(Counts(counts={1: 1, "1": 2}), "it")


def test_what_values_become_is_as_described():
    @dataclass
    class Place:
        x: int

    class Colour(Enum):
        RED = "red"

    value = {1: (1, {2}), "place": Place(3), "colour": Colour.RED, "price": Decimal("1.10")}
    assert json.loads(to_json(value, "it")) == {
        "1": [1, [2]],
        "place": {"x": 3},
        "colour": "red",
        "price": "1.10",
    }
    assert to_json(10**400, "it") == "1" + "0" * 400


@pytest.mark.parametrize("number", [10**400, -(10**400), float("nan"), Decimal("sNaN"), Decimal("1e999")])
def test_a_number_beyond_a_float_is_named(number):
    with pytest.raises(ValueError, match=r"^the limit must be a finite number"):
        finite(number, "the limit")


@pytest.mark.parametrize("number", ["5", b"5", None, [5], 1j])
def test_what_is_not_a_number_is_a_type_error(number):
    with pytest.raises(TypeError):
        finite(number, "the progress")


@pytest.mark.parametrize("number", [5, 5.0, Decimal(5), Fraction(5), 2**300])
def test_a_number_becomes_a_float(number):
    assert finite(number, "it") == number
    assert type(finite(number, "it")) is float
