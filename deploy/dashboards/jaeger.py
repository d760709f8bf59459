"""Queries of Grafana's Jaeger data source."""

from typing import Any

from grafana_foundation_sdk.cog import builder
from grafana_foundation_sdk.cog.variants import Dataquery

from deploy.dashboards.panels import JAEGER


class JaegerQuery(Dataquery):
    """A query of Grafana's Jaeger data source, for which the SDK has no model."""

    def __init__(self, **fields: str | int) -> None:
        self._fields = fields

    def to_json(self) -> dict[str, Any]:
        """Return it as Grafana stores it."""
        return {"refId": "A", "datasource": JAEGER, **self._fields}


class Ready(builder.Builder[Dataquery]):
    """A query as the SDK's panels take it."""

    def __init__(self, query: Dataquery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        """Return it."""
        return self._query
