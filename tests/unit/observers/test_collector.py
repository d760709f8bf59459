"""The Collector's configuration: for what runs there, by bytes."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy import ROOT
from deploy.stack import collector
from deploy.stack.observer import version_of

COMMITTED = (ROOT / "grafana/collector.yaml").read_text()


def configured(running: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(collector.configuration(COMMITTED, running))
    return found


def test_with_all_servers_nothing_is_left_out() -> None:
    assert configured({"jaeger", "loki", "prometheus"}) == yaml.safe_load(COMMITTED)


@pytest.mark.parametrize(
    ("running", "pipelines", "exporters"),
    [
        ({"jaeger"}, {"traces"}, {"otlp/jaeger"}),
        ({"loki"}, {"logs"}, {"otlphttp/loki"}),
    ],
)
def test_nothing_is_sent_to_a_server_that_does_not_run(
    running: set[str], pipelines: set[str], exporters: set[str]
) -> None:
    found = configured(running)
    assert set(found["service"]["pipelines"]) == pipelines
    assert set(found["exporters"]) == exporters


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("otelcol-contrib version 0.140.0", (0, 140)),
        ("otelcol version v0.144.1", (0, 144)),
        ("grafana version 12.4.3", (12, 4)),
        ("v1", None),
    ],
)
def test_a_version_is_read_from_what_the_program_says(
    tmp_path: Path, said: str, version: tuple[int, int] | None
) -> None:
    program = tmp_path / "otelcol"
    program.write_text(f"#!/bin/sh\n[ $1 = --version ] && echo '{said}'\n")
    program.chmod(0o755)
    assert version_of(program) == version


def test_a_program_that_cannot_be_run_has_no_version(tmp_path: Path) -> None:
    assert version_of(tmp_path / "none") is None


def test_batches_are_no_larger_than_any_receiver_takes() -> None:
    for exporter in yaml.safe_load(COMMITTED)["exporters"].values():
        queue = exporter["sending_queue"]
        assert queue["sizer"] == "bytes"
        assert queue["batch"]["min_size"] <= queue["batch"]["max_size"] <= 4 * 1024**2 / 2
        assert queue["queue_size"] >= 8 * queue["batch"]["max_size"]


def test_traces_are_kept_as_long_as_logs() -> None:
    jaeger = yaml.safe_load((ROOT / "grafana/jaeger.yaml").read_text())["extensions"]["jaeger_storage"]
    loki = yaml.safe_load((ROOT / "grafana/loki.yaml").read_text())["limits_config"]
    (storage,) = (backend["badger"] for backend in jaeger["backends"].values())
    assert storage["ttl"]["spans"] == loki["retention_period"]
    assert not storage["ephemeral"]
