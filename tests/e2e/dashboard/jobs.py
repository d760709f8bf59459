"""Jobs that a dashboard has something to show of: names, steps, progress, results, errors."""

from datetime import date, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from tests.e2e.jobs import effect

from turnstile import SyncJobContext, job


class Month(BaseModel):
    """The month of a ledger, and how long its booking takes."""

    month: str = "2026-10"
    entries: Annotated[int, Field(ge=1)] = 5
    seconds: Annotated[float, Field(ge=0)] = 0.1


class Prices(BaseModel):
    """A list of prices."""

    source: str = "prices-2026-11.csv"
    rows: Annotated[int, Field(ge=1)] = 3


class Size(BaseModel):
    """How much of something."""

    bytes: Annotated[int, Field(ge=0)] = 1000


class Stop(BaseModel):
    """One place on a tour."""

    model_config = ConfigDict(extra="forbid")

    street: str
    number: Annotated[int, Field(ge=1, le=9999)] | None = None


class Tour(BaseModel):
    """Every type of field that a form may need."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(min_length=2, max_length=40, description="What drivers see.")]
    day: date
    weight: Annotated[float, Field(gt=0, lt=3500, description="In kilograms.")] = 12.5
    parcels: Annotated[int, Field(ge=1, le=200)] = 20
    vehicle: Literal["van", "bicycle", "train"] = "van"
    cooled: bool = False
    first: Stop
    last: Stop | None = None
    between: list[Stop] = []
    labels: dict[str, str] = {}


@job("plan-tour")
def plan_tour(ctx: SyncJobContext, parameters: Tour) -> dict[str, Any]:
    """Plan a delivery tour; returns what it was given."""
    return parameters.model_dump(mode="json")


@job("close-month")
def close_month(ctx: SyncJobContext, parameters: Month) -> dict[str, Any]:
    """Close a month of a ledger, entry by entry."""
    for number in range(1, parameters.entries + 1):
        with ctx.step(f"book {number}") as step:
            if not step.done:
                ctx.check()
                effect(ctx, step.name)
                ctx.sleep(parameters.seconds)
                ctx.save_state({"booked": number})
                step.result = {"entry": f"{parameters.month}-{number:04}"}
        ctx.progress(number, parameters.entries)
    return {"month": parameters.month, "entries": parameters.entries, "balance": "0.00"}


@job("import-prices")
def import_prices(ctx: SyncJobContext, parameters: Prices) -> dict[str, Any]:
    """Import a list of prices; one without rows to import fails."""
    with ctx.step("download"):
        ctx.sleep(0.1)
    if parameters.source.endswith(".pdf"):
        raise ValueError(f"{parameters.source} is not a list of prices: expected a CSV file")
    for number in range(1, parameters.rows + 1):
        with ctx.step(f"row {number}"):
            ctx.progress(number, parameters.rows)
    return {"rows": parameters.rows}


@job("rebuild-index", timeout=timedelta(seconds=1))
def rebuild_index(ctx: SyncJobContext) -> None:
    """Take longer than is allowed."""
    with ctx.step("scan"):
        ctx.sleep(0.1)
    ctx.sleep(60)


@job("large-report")
def large_report(ctx: SyncJobContext, parameters: Size) -> dict[str, Any]:
    """Return a result of some size."""
    return {"report": "x" * parameters.bytes}
