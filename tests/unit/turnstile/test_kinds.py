"""How handlers become kinds, and what is refused at import."""

import sys
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from turnstile import (
    ByProperty,
    DefinitionError,
    InvalidParametersError,
    JobContext,
    LoadError,
    RunContext,
    SyncJobContext,
    job,
    kind_of,
)
from turnstile.loading import load


class Amount(BaseModel):
    amount: int


def test_an_async_handler_with_parameters_becomes_a_kind():
    @job("pay.out-1", timeout=timedelta(minutes=5))
    async def pay(ctx: JobContext, parameters: Amount) -> None:
        """Pay it out.

        At once.
        """

    kind = kind_of(pay)
    assert (kind.name, kind.is_async, kind.model, kind.timeout) == (
        "pay.out-1",
        True,
        Amount,
        timedelta(minutes=5),
    )
    assert kind.description == "Pay it out."
    assert kind.schema()["required"] == ["amount"]


def test_a_plain_handler_without_parameters_takes_none():
    @job("tidy", description="Tidies up.")
    def tidy(ctx: SyncJobContext) -> None: ...

    kind = kind_of(tidy)
    assert (kind.is_async, kind.model, kind.description) == (False, None, "Tidies up.")
    assert kind.schema() == {"type": "object", "properties": {}, "additionalProperties": False}
    assert kind.parse("{}") is None
    with pytest.raises(InvalidParametersError, match=r"^parameters: kind 'tidy' takes none$"):
        kind.parse('{"a": 1}')


def test_the_context_need_not_be_annotated():
    @job("bare")
    async def bare(ctx): ...

    assert kind_of(bare).is_async


def test_parameters_that_do_not_fit_are_named_field_by_field():
    class Inner(BaseModel):
        count: int

    class Outer(BaseModel):
        name: str
        inner: list[Inner]

    @job("nested")
    async def nested(ctx: JobContext, parameters: Outer) -> None: ...

    with pytest.raises(
        InvalidParametersError, match=r"^name: Field required; inner\.0\.count: .*valid integer"
    ) as caught:
        kind_of(nested).parse('{"inner": [{"count": "s3cret"}]}')
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Upper", "-a", "a-", "a b", "x" * 65, "a/b", "a\n"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(DefinitionError, match="kind"):
        job(name)


@pytest.mark.parametrize("name", ["a", "7", "ab", "a-b_c.d", "x" * 64])
def test_a_name_has_1_to_64_characters(name):
    @job(name)
    async def body(ctx): ...

    assert kind_of(body).name == name


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(microseconds=-1)])
def test_a_timeout_of_nothing_is_refused(timeout):
    with pytest.raises(DefinitionError, match="timeout"):
        job("a", timeout=timeout)


def test_the_shortest_timeout_and_none_are_kept():
    async def body(ctx): ...

    assert kind_of(job("a", timeout=timedelta(microseconds=1))(body)).timeout == timedelta(microseconds=1)
    assert kind_of(job("a")(body)).timeout is None


def test_the_decorated_function_is_still_itself():
    def body(ctx: SyncJobContext): ...

    decorated = job("a")(body)
    assert decorated is body
    assert kind_of(body).handler is body


def test_a_description_is_what_was_said_or_the_docstrings_first_line_or_empty():
    def bare(ctx): ...

    def told(ctx):
        """
        First line.

        Second.
        """

    assert kind_of(job("a")(bare)).description == ""
    assert kind_of(job("a")(told)).description == "First line."
    assert kind_of(job("a", description="")(told)).description == ""


@pytest.mark.parametrize("text", ["", "{}", " {} ", "null"])
def test_no_parameters_may_be_said_in_several_ways(text):
    @job("a")
    async def body(ctx): ...

    assert kind_of(body).parse(text) is None


def test_parameters_are_read_with_their_defaults():
    class Optional(BaseModel):
        amount: int = 3

    @job("a")
    async def body(ctx, parameters: Optional): ...

    assert kind_of(body).parse("") == kind_of(body).parse("{}") == Optional(amount=3)
    assert kind_of(body).parse('{"amount": 4}') == Optional(amount=4)


@pytest.mark.parametrize("text", ["[]", "null", "{"])
def test_parameters_that_are_no_object_are_named_as_a_whole(text):
    @job("a")
    async def body(ctx, parameters: Amount): ...

    with pytest.raises(InvalidParametersError, match=r"^parameters: "):
        kind_of(body).parse(text)


def test_a_handler_is_called_with_what_it_takes():
    async def bare(ctx): ...

    async def taking(ctx, parameters: Amount): ...

    context: Any = object()
    amount = Amount(amount=1)
    assert kind_of(job("a")(bare)).arguments(context, None) == (context,)
    assert kind_of(job("a")(taking)).arguments(context, amount) == (context, amount)


@pytest.mark.parametrize("annotation", [RunContext, Any])
@pytest.mark.parametrize("is_async", [True, False])
def test_a_context_of_any_handler_fits_every_handler(annotation, is_async):
    async def body(ctx: annotation): ...  # type: ignore[valid-type]

    def plain(ctx: annotation): ...  # type: ignore[valid-type]

    assert kind_of(job("a")(body if is_async else plain)).is_async is is_async


def test_parameters_may_be_positional_only():
    def body(ctx, parameters: Amount, /): ...

    assert kind_of(job("a")(body)).model is Amount


async def _no_context(): ...


async def _three(ctx, parameters: Amount, more): ...


async def _keyword(ctx, *, parameters: Amount): ...


async def _not_a_model(ctx, parameters: dict[str, str]): ...


async def _unannotated(ctx, parameters): ...


async def _wrong_context(ctx: SyncJobContext): ...


def _wrong_plain_context(ctx: JobContext): ...


async def _yields(ctx):
    yield


def _yields_plainly(ctx):
    yield


async def _any_number(*contexts): ...


async def _any_names(ctx, **parameters: Amount): ...


async def _annotation_that_fails(ctx: "int | 3"): ...  # type: ignore[valid-type]


async def _odd_annotation(ctx, parameters: "1 +"): ...  # type: ignore[valid-type]  # noqa: F722


async def _class_that_is_no_model(ctx, parameters: str): ...


def _unknown_annotation(ctx, parameters: "Nowhere"): ...  # type: ignore[name-defined]  # noqa: F821


class _Callable:
    async def __call__(self, ctx): ...


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (_no_context, "must take"),
        (_three, "must take"),
        (_keyword, "must take"),
        (_not_a_model, "'parameters' must be annotated with a pydantic model"),
        (_unannotated, "pydantic model"),
        (_wrong_context, "async handler is a JobContext"),
        (_wrong_plain_context, "plain handler is a SyncJobContext"),
        (_yields, "yield"),
        (_yields_plainly, "yield"),
        (_any_number, "must take"),
        (_any_names, "must take"),
        (_odd_annotation, "cannot be read"),
        (_annotation_that_fails, "cannot be read"),
        (_class_that_is_no_model, "pydantic model"),
        (_unknown_annotation, "Nowhere"),
        (_Callable(), "function"),
    ],
)
def test_a_bad_signature_is_refused_with_the_kind_and_the_reason(handler, reason):
    with pytest.raises(DefinitionError, match=rf"kind 'wrong' .*{reason}"):
        job("wrong")(handler)


def test_what_is_no_handler_has_no_kind():
    with pytest.raises(DefinitionError, match="lacks @job"):
        kind_of(test_what_is_no_handler_has_no_kind)


@pytest.mark.parametrize("limit", ["max_runner_crashes", "max_worker_losses"])
@pytest.mark.parametrize("value", [0, -1, 1001])
def test_a_limit_that_makes_no_sense_is_refused_by_its_name(limit, value):
    with pytest.raises(DefinitionError, match=f"kind 'k': {limit} must be from 1 to 1000, not {value}"):
        job("k", **{limit: value})


@pytest.mark.parametrize("limit", ["max_jobs_per_process", "max_process_mib"])
@pytest.mark.parametrize("value", [0, 1_000_001])
def test_a_limit_of_a_process_that_makes_no_sense_is_refused_by_its_name(limit, value):
    with pytest.raises(DefinitionError, match=f"kind 'k': {limit} must be from 1 to 1000000, not {value}"):
        job("k", **{limit: value})


def test_a_kind_carries_the_limits_of_its_processes():
    @job("k", fresh_process=True, max_jobs_per_process=1_000_000, max_process_mib=1)
    def limited(ctx): ...

    @job("k")
    def usual(ctx): ...

    found = [
        (kind.fresh_process, kind.max_jobs_per_process, kind.max_process_mib)
        for kind in map(kind_of, (limited, usual))
    ]
    assert found == [(True, 1_000_000, 1), (False, None, None)]


def test_a_kind_carries_its_limits():
    @job("k", max_runner_crashes=1, max_worker_losses=1000)
    def limited(ctx): ...

    @job("k")
    def usual(ctx): ...

    found = [(kind.max_runner_crashes, kind.max_worker_losses) for kind in map(kind_of, (limited, usual))]
    assert found == [(1, 1000), (3, 10)]


def test_what_is_published_of_a_kind_has_a_bound(monkeypatch: pytest.MonkeyPatch):
    many = create_model("Many", **{f"field_{number}": (int, number) for number in range(5000)})  # type: ignore[call-overload]

    @job("wide")
    async def wide(ctx: JobContext, parameters: many) -> None: ...

    @job("long", description="d" * 4001)
    async def long(ctx: JobContext) -> None: ...

    module = ModuleType("large_jobs")
    monkeypatch.setitem(sys.modules, "large_jobs", module)
    module.handler = wide  # type: ignore[attr-defined]
    with pytest.raises(
        LoadError, match=r"'large_jobs': the JSON schema .* of kind 'wide' .* may have 200,000"
    ):
        load(["large_jobs"])
    module.handler = long  # type: ignore[attr-defined]
    with pytest.raises(
        LoadError, match="the description of kind 'long' has 4,001 characters, and may have 4,000"
    ):
        load(["large_jobs"])


def test_a_kind_may_say_how_long_its_jobs_wait_and_what_to_do_about_others():
    @job("k", expires_in=timedelta(minutes=5), on_conflict="skip")
    def waits(ctx): ...

    @job("l")
    def usual(ctx): ...

    found = [(kind.expires_in, kind.on_conflict) for kind in map(kind_of, (waits, usual))]
    assert found == [(timedelta(minutes=5), "skip"), (None, "queue")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expires_in": timedelta(0)}, "expires_in must be positive, and at most 366 days"),
        ({"expires_in": timedelta(days=367)}, "expires_in must be positive, and at most 366 days"),
        ({"on_conflict": "replace"}, "on_conflict must be one of queue, reject, skip, .*, not 'replace'"),
    ],
)
def test_a_kind_with_a_wait_or_a_conflict_that_cannot_be_is_refused(options, message):
    with pytest.raises(DefinitionError, match=message):
        job("k", **options)


def test_a_kind_has_a_pool_and_a_distribution():
    @job("k", pool="gpu", distribution=ByProperty("tier", "machine"))
    def placed(ctx): ...

    @job("k")
    def usual(ctx): ...

    found = [(kind.pool, kind.distribution) for kind in map(kind_of, (placed, usual))]
    assert found == [("gpu", ByProperty("tier", "machine")), (None, None)]


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"pool": "GPU"}, "kind 'k': pool 'GPU' may have only a-z"),
        ({"pool": ""}, "kind 'k': pool '' may have only a-z"),
        ({"pool": 7}, "kind 'k': pool 7 may have only a-z"),
        ({"distribution": "tier"}, "kind 'k': distribution must be a ByProperty, not 'tier'"),
        ({"distribution": ByProperty("", "machine")}, "kind 'k': distribution.job must be the name"),
        ({"distribution": ByProperty("a:b", "machine")}, "kind 'k': distribution.job must be the name"),
        ({"distribution": ByProperty("tier", "a=b")}, "kind 'k': distribution.worker must be the name"),
        ({"distribution": ByProperty("tier", "x" * 65)}, "kind 'k': distribution.worker must be the name"),
    ],
)
def test_a_pool_or_a_distribution_that_cannot_be_is_refused(about, message):
    with pytest.raises(DefinitionError) as error:
        job("k", **about)
    assert str(error.value).startswith(message)
