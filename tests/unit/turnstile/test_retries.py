"""Retry policies: what a kind may say, and how it is told what is wrong with it."""

from collections import ChainMap
from datetime import timedelta

import pytest

import turnstile
from turnstile import DefinitionError, JobContext, RetryLater, RetryPolicy, job, kind_of
from turnstile.retries import excluded_names, names_of_classes


def define(**retry):
    @job("fetch", retry=RetryPolicy(**{"attempts": 3} | retry))
    async def fetch(ctx: JobContext) -> None: ...

    return kind_of(fetch)


def test_a_kind_keeps_its_policy():
    kind = define(delay=timedelta(seconds=30), backoff="fixed", jitter=0, hold_place=True)
    assert kind.retry == RetryPolicy(3, timedelta(seconds=30), "fixed", jitter=0, hold_place=True)

    @job("once")
    async def once(ctx: JobContext) -> None: ...

    assert kind_of(once).retry is None


def test_the_bounds_themselves_are_allowed():
    week = timedelta(days=7)
    define(attempts=1, delay=timedelta(0), longest_delay=timedelta(0), jitter=0)
    define(attempts=1000, delay=week, longest_delay=week, jitter=1)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"attempts": 0}, "retry.attempts must be a whole number from 1 to 1000, not 0"),
        ({"attempts": 1001}, "retry.attempts must be a whole number from 1 to 1000, not 1001"),
        ({"attempts": 2.5}, "retry.attempts must be a whole number from 1 to 1000, not 2.5"),
        ({"attempts": True}, "retry.attempts must be a whole number from 1 to 1000, not True"),
        (
            {"delay": timedelta(days=-1)},
            "retry.delay must be a timedelta from 0 to 7 days, not datetime.timedelta(days=-1)",
        ),
        ({"delay": 30}, "retry.delay must be a timedelta from 0 to 7 days, not 30"),
        (
            {"longest_delay": timedelta(days=8)},
            "retry.longest_delay must be a timedelta from 0 to 7 days, not datetime.timedelta(days=8)",
        ),
        (
            {"delay": timedelta(hours=2)},
            "retry.delay must not be longer than retry.longest_delay, 1:00:00",
        ),
        ({"backoff": "linear"}, "retry.backoff must be one of fixed, exponential, not 'linear'"),
        ({"jitter": 1.5}, "retry.jitter must be from 0 to 1, not 1.5"),
        ({"jitter": float("nan")}, "retry.jitter must be from 0 to 1, not nan"),
        ({"except_for": "ValueError"}, "retry.except_for must be a tuple of exceptions, not 'ValueError'"),
        (
            {"except_for": ("ValueEror",)},
            (
                "retry.except_for has 'ValueEror', which is not an exception; give its class, or its full "
                'name, such as "requests.exceptions.Timeout"'
            ),
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused_in_one_sentence(wrong, says):
    with pytest.raises(DefinitionError) as refused:
        define(**wrong)
    assert str(refused.value) == f"kind 'fetch': {says}"


@pytest.mark.parametrize(
    "wrong", ["no.such.module.Error", "json.JSONDecoder", "json.NoSuchError", "int", int, 5]
)
def test_what_is_not_an_exception_is_refused(wrong):
    with pytest.raises(DefinitionError, match="which is not an exception"):
        define(except_for=[wrong])


def test_something_else_than_a_policy_is_refused():
    with pytest.raises(DefinitionError, match=r"^kind 'fetch': retry must be a RetryPolicy, not 3$"):
        job("fetch", retry=3)  # type: ignore[arg-type]


def test_exceptions_are_kept_by_the_names_that_their_classes_have():
    policy = RetryPolicy(2, except_for=("ValueError", KeyError, "json.JSONDecodeError", turnstile.FailJob))
    assert excluded_names("fetch", policy) == (
        "ValueError",
        "KeyError",
        "json.decoder.JSONDecodeError",
        "turnstile.errors.FailJob",
    )


def test_an_error_has_the_names_of_all_its_classes():
    with pytest.raises(KeyError) as raised:
        ChainMap[str, int]({})["x"]
    assert names_of_classes(raised.value) == ["KeyError", "LookupError", "Exception", "BaseException"]


@pytest.mark.parametrize("seconds", [-1, float("nan"), 604_801, float("inf")])
def test_a_delay_that_is_not_possible_is_refused_where_it_is_raised(seconds):
    with pytest.raises(ValueError, match=r"^RetryLater: seconds must be from 0 to 604800, not "):
        RetryLater(seconds)


def test_a_delay_without_a_reason_says_how_long_it_is():
    assert str(RetryLater(90)) == "to be tried again after 90 s"
    assert (RetryLater(0).seconds, str(RetryLater(604_800, "closed"))) == (0.0, "closed")
