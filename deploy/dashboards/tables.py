"""Tables: what is now, a row for each combination of labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from grafana_foundation_sdk.builders import table
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from deploy.dashboards.panels import PROMETHEUS, Panel, Query, look, steps, target


@dataclass(frozen=True)
class Column:
    """A column of a table: the field it shows, its heading, and how its values are shown."""

    field: str
    heading: str
    unit: str = ""
    bad_from: float | None = None
    #: Where a click on a value leads, and what that is called.
    link: tuple[str, str] | None = None


def table_panel(
    title: str,
    description: str,
    queries: Sequence[Query],
    columns: Sequence[Column],
    *,
    empty: str,
    width: int = 12,
    height: int = 8,
) -> Panel:
    """What is now, a row for each combination of labels; columns in the order given, others hidden.

    The value of the first query is the field `Value #A`, of the second `Value #B`, and so on.
    """
    panel = look(table.Panel(), title, description, "", empty, width, height)
    for position, query in enumerate(queries):
        asked = target(query, position).instant().format(prometheus_models.PromQueryFormat.TABLE)
        panel = panel.with_target(asked)
    order = {column.field: number for number, column in enumerate(columns)}
    names = {column.field: column.heading for column in columns}
    # With one query the value's field has no letter.
    if len(queries) == 1:
        order["Value"], names["Value"] = order.get("Value #A", 0), names.get("Value #A", "Value")
    panel = (
        panel.datasource(PROMETHEUS)
        .with_transformation(models.DataTransformerConfig("merge", options={}))
        .with_transformation(
            models.DataTransformerConfig(
                "organize",
                options={
                    "excludeByName": {"Time": True},
                    "includeByName": {},
                    "indexByName": order,
                    "renameByName": names,
                },
            )
        )
    )
    for column in columns:
        properties = _properties(column)
        if properties:
            panel = panel.override_by_name(column.heading, properties)
    return panel


def _properties(column: Column) -> list[models.DynamicConfigValue]:
    found: dict[str, Any] = {}
    if column.unit:
        found["unit"] = column.unit
    if column.bad_from is not None:
        found["thresholds"] = steps(column.bad_from, None).build()
        found["custom.cellOptions"] = {"type": "color-text"}
    if column.link is not None:
        title, url = column.link
        found["links"] = [{"title": title, "url": url, "targetBlank": True}]
    return [models.DynamicConfigValue(key, value) for key, value in found.items()]
