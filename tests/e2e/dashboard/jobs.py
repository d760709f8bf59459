"""Jobs that a dashboard has something to show of: names, steps, progress, results, errors."""

from datetime import timedelta
from typing import Annotated, Any

from pydantic import BaseModel, Field
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
