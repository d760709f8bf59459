"""The configuration of a Collector that runs as a process: for what runs there."""

from collections.abc import Collection
from typing import Any

import yaml


def configuration(text: str, running: Collection[str]) -> str:
    """Return the committed configuration with only the servers that run."""
    found: dict[str, Any] = yaml.safe_load(text)
    found["exporters"] = {name: made for name, made in found["exporters"].items() if _server(name) in running}
    pipelines = found["service"]["pipelines"]
    for signal, pipeline in list(pipelines.items()):
        pipeline["exporters"] = [name for name in pipeline["exporters"] if name in found["exporters"]]
        if not pipeline["exporters"]:
            del pipelines[signal]
    return str(yaml.safe_dump(found, sort_keys=False))


def _server(exporter: str) -> str:
    return exporter.partition("/")[2]
