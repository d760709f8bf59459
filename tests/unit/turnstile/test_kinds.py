"""How handlers become kinds, and what is refused at import."""

import sys
import textwrap
from datetime import timedelta

import pytest
from pydantic import BaseModel

from turnstile import DefinitionError, JobContext, LoadError, SyncJobContext, job, kind_of, load


class Amount(BaseModel):
    amount: int


@pytest.fixture
def write_module(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    written = []

    def write(name, text):
        path = tmp_path / (name.replace(".", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("from turnstile import *\n" + textwrap.dedent(text))
        written.append(name.split(".")[0])

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] in written]:
        del sys.modules[name]


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
    assert kind.schema()["additionalProperties"] is False
    assert kind.parse("{}") is None
    with pytest.raises(Exception, match="takes none"):
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

    with pytest.raises(Exception, match=r"^name: Field required; inner\.0\.count: .*valid integer") as caught:
        kind_of(nested).parse('{"inner": [{"count": "s3cret"}]}')
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Upper", "-a", "a-", "a b", "x" * 65, "a/b"])
def test_a_bad_name_is_refused(name):
    with pytest.raises(DefinitionError, match="kind"):
        job(name)


def test_a_timeout_of_nothing_is_refused():
    with pytest.raises(DefinitionError, match="timeout"):
        job("a", timeout=timedelta(0))


async def _no_context(): ...


async def _three(ctx, parameters: Amount, more): ...


async def _keyword(ctx, *, parameters: Amount): ...


async def _not_a_model(ctx, parameters: dict[str, str]): ...


async def _unannotated(ctx, parameters): ...


async def _wrong_context(ctx: SyncJobContext): ...


def _wrong_plain_context(ctx: JobContext): ...


async def _yields(ctx):
    yield


def _unknown_annotation(ctx, parameters: "Nowhere"): ...  # type: ignore[name-defined]  # noqa: F821


class _Callable:
    async def __call__(self, ctx): ...


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (_no_context, "must take"),
        (_three, "must take"),
        (_keyword, "must take"),
        (_not_a_model, "pydantic model"),
        (_unannotated, "pydantic model"),
        (_wrong_context, "async handler is a JobContext"),
        (_wrong_plain_context, "plain handler is a SyncJobContext"),
        (_yields, "yield"),
        (_unknown_annotation, "Nowhere"),
        (_Callable(), "function"),
    ],
)
def test_a_bad_signature_is_refused_with_the_kind_and_the_reason(handler, reason):
    with pytest.raises(DefinitionError, match=rf"kind 'wrong' .*{reason}"):
        job("wrong")(handler)


def test_loading_finds_kinds_in_a_module_and_below_it(write_module):
    write_module("shop.__init__", "import shop.orders\n@job('a')\nasync def a(ctx): ...")
    write_module("shop.orders", "@job('b')\ndef b(ctx): ...")
    assert sorted(load(["shop"])) == ["a", "b"]


def test_a_kind_that_is_imported_elsewhere_is_not_defined_twice(write_module):
    write_module("first_jobs", "@job('a')\nasync def a(ctx): ...")
    write_module("second_jobs", "from first_jobs import a")
    assert list(load(["first_jobs", "second_jobs"])) == ["a"]


def test_two_handlers_of_one_kind_are_refused_by_name(write_module):
    write_module("left_jobs", "@job('a')\nasync def one(ctx): ...")
    write_module("right_jobs", "@job('a')\nasync def two(ctx): ...")
    with pytest.raises(LoadError, match=r"'right_jobs': kind 'a' .*left_jobs\.one and right_jobs\.two"):
        load(["left_jobs", "right_jobs"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import no_such_thing", "ModuleNotFoundError: No module named 'no_such_thing'"),
        ("1/0", "ZeroDivisionError"),
        ("this is no python", "SyntaxError"),
        ("raise SystemExit('no')", "SystemExit: no"),
        ("@job('a')\nasync def a(): ...", "DefinitionError: kind 'a'"),
        ("", "defines no jobs"),
    ],
)
def test_a_module_that_cannot_be_used_is_named_with_the_reason(write_module, text, reason):
    write_module("broken_jobs", text)
    with pytest.raises(LoadError, match=rf"'broken_jobs' .*{reason}"):
        load(["broken_jobs"])


def test_parameters_without_a_schema_are_refused(write_module):
    write_module(
        "odd_jobs",
        """
        from pydantic import BaseModel, ConfigDict
        class Odd: ...
        class Parameters(BaseModel):
            model_config = ConfigDict(arbitrary_types_allowed=True)
            odd: Odd
        @job('odd')
        async def odd(ctx, parameters: Parameters): ...
        """,
    )
    with pytest.raises(LoadError, match=r"'odd_jobs'.*no JSON schema"):
        load(["odd_jobs"])


def test_what_is_no_handler_has_no_kind():
    with pytest.raises(DefinitionError, match="lacks @job"):
        kind_of(test_what_is_no_handler_has_no_kind)
