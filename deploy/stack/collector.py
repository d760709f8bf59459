"""The configuration of a Collector that runs as a process: for what runs there, and for its version."""

from collections.abc import Collection
from typing import Any

import yaml

#: From this version on exporters have the names that the committed configuration uses.
_RENAMED = (0, 144)
_NAMES_BEFORE = {"otlp_grpc": "otlp", "otlp_http": "otlphttp"}


def configuration(text: str, running: Collection[str], version: tuple[int, int] | None) -> str:
    """Return the committed configuration for a version, with only the servers that run."""
    found: dict[str, Any] = yaml.safe_load(text)
    found["exporters"] = {name: made for name, made in found["exporters"].items() if _server(name) in running}
    pipelines = found["service"]["pipelines"]
    for signal, pipeline in list(pipelines.items()):
        pipeline["exporters"] = [name for name in pipeline["exporters"] if name in found["exporters"]]
        if not pipeline["exporters"]:
            del pipelines[signal]
    if version is not None and version < _RENAMED:
        found["exporters"] = {_before(name): made for name, made in found["exporters"].items()}
        for pipeline in pipelines.values():
            pipeline["exporters"] = [_before(name) for name in pipeline["exporters"]]
    return str(yaml.safe_dump(found, sort_keys=False))


def _server(exporter: str) -> str:
    return exporter.partition("/")[2]


def _before(exporter: str) -> str:
    kind, _, server = exporter.partition("/")
    return f"{_NAMES_BEFORE.get(kind, kind)}/{server}"
