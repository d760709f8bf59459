"""Locks that are made of parameters."""

from typing import Any

import pytest
from pydantic import BaseModel, Field

from turnstile import JobContext, job
from turnstile.errors import DefinitionError
from turnstile.kinds import kind_of
from turnstile.lock_templates import LockTemplate, TemplateError


@pytest.mark.parametrize(
    ("template", "parameters", "lock"),
    [
        ("tenant:{tenant}", {"tenant": "acme", "other": []}, "tenant:acme"),
        ("{year}-{month}", {"year": 2026, "month": "11"}, "2026-11"),
        ("{{{a}}}", {"a": "{b}"}, "{{b}}"),
        ("ledger", {}, "ledger"),
        ("{a}{a}", {"a": 0}, "00"),
    ],
)
def test_parameters_stand_in_their_places(template: str, parameters: dict[str, Any], lock: str) -> None:
    assert LockTemplate.read(template).fill(parameters) == lock


@pytest.mark.parametrize(
    "template",
    ["", "  ", "{", "}", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}", "{a b}", "{{a}", "x" * 201],
)
def test_what_is_no_template_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        LockTemplate.read(template)


@pytest.mark.parametrize("value", [None, True, 1.5, [], {}, "", "  "])
def test_a_value_that_can_be_no_part_of_a_name_is_refused_and_its_parameter_named(value: Any) -> None:
    with pytest.raises(TemplateError) as refused:
        LockTemplate.read("tenant:{tenant}").fill({"tenant": value})
    assert refused.value.field == "tenant"


def test_a_parameter_that_is_missing_is_named() -> None:
    with pytest.raises(
        TemplateError, match="is needed for the job's lock; give it, or name a lock"
    ) as refused:
        LockTemplate.read("{a}/{tenant}").fill({"a": "b"})
    assert refused.value.field == "tenant"


class Import(BaseModel):
    """Parameters."""

    tenant: str
    year: int = Field(alias="Year")


@pytest.mark.parametrize("lock", ["tenant:{tenant}", "{tenant}-{Year}", "ledger"])
def test_a_kind_names_its_lock(lock: str) -> None:
    @job("import", lock=lock)
    async def handler(ctx: JobContext, parameters: Import) -> None:
        """Import."""

    assert kind_of(handler).lock == lock


@pytest.mark.parametrize(
    ("lock", "why"),
    [
        ("{team}", "needs 'team', which is no parameter"),
        ("{year}", "needs 'year', which is no parameter"),
        ("", "must not be empty"),
        ("{", "write {{ or }} for a brace"),
    ],
)
def test_a_lock_that_the_parameters_cannot_fill_is_refused_at_import(lock: str, why: str) -> None:
    with pytest.raises(DefinitionError, match=why) as refused:

        @job("import", lock=lock)
        async def handler(ctx: JobContext, parameters: Import) -> None:
            """Import."""

    assert "kind 'import'" in str(refused.value)


def test_a_kind_without_parameters_has_none_in_its_lock() -> None:
    with pytest.raises(DefinitionError, match="which is no parameter"):

        @job("import", lock="{tenant}")
        async def handler(ctx: JobContext) -> None:
            """Import."""
