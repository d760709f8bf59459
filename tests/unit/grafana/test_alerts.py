"""Every alert is sound, fires when it should and not otherwise, and has a runbook that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy.dashboards import alerts
from deploy.dashboards.__main__ import FOLDER
from deploy.servers import installation
from tests.unit.grafana.promql import mentioned
from tests.unit.grafana.test_dashboards import DASHBOARDS, known

RULES = FOLDER / "alerts" / "turnstile.yml"
CASES = FOLDER / "alerts" / "tests" / "turnstile.yml"
RUNBOOKS = FOLDER.parent / "docs" / "runbooks.md"
NAMES = [alert.name for alert in alerts.alerts()]


@pytest.fixture(scope="session", autouse=True)
def _promtool() -> None:
    installation.ensure_prometheus()


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def test_prometheus_accepts_the_rules() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(NAMES)} rules found" in done.stdout


def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    done = promtool("test", "rules", CASES)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(name: str) -> None:
    cases = [case for test in _cases()["tests"] for case in test["alert_rule_test"]]
    expected = [bool(case.get("exp_alerts")) for case in cases if case["alertname"] == name]
    assert any(expected)
    assert not all(expected)


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_would_notice_an_alert_that_never_fires_or_always_does(name: str, tmp_path: Path) -> None:
    for expression in ("vector(0) > 1", "vector(1)"):
        (rule,) = (alert.rule() for alert in alerts.alerts() if alert.name == name)
        broken = {"groups": [{"name": "broken", "rules": [rule | {"expr": expression}]}]}
        (tmp_path / "rules.yml").write_text(yaml.safe_dump(broken))
        (tmp_path / "cases.yml").write_text(yaml.safe_dump(_cases_of(name) | {"rule_files": ["rules.yml"]}))
        assert promtool("test", "rules", tmp_path / "cases.yml").returncode != 0, expression


@pytest.mark.parametrize("alert", alerts.alerts(), ids=NAMES)
def test_alerts_ask_for_metrics_that_exist(alert: alerts.Alert) -> None:
    assert mentioned(alert.expression).metrics <= set(known())
    assert alert.severity in {alerts.CRITICAL, alerts.WARNING}


@pytest.mark.parametrize("alert", alerts.alerts(), ids=NAMES)
def test_a_runbook_says_what_to_do(alert: alerts.Alert) -> None:
    base, _, anchor = alert.rule()["annotations"]["runbook_url"].partition("#")
    assert re.fullmatch(r"https?://.+/runbooks/", base)
    sections = dict(
        re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS.read_text(), re.MULTILINE | re.DOTALL)
    )
    (runbook,) = (text for name, text in sections.items() if name.lower() == anchor)
    assert len(runbook.split()) > 25
    assert ("*Critical.*" in runbook) == (alert.severity == alerts.CRITICAL)
    assert alert.dashboard in {dashboard["uid"] for dashboard in DASHBOARDS.values()}


def test_the_table_of_runbooks_names_every_alert_with_its_severity_and_dashboard() -> None:
    titles = {dashboard["uid"]: dashboard["title"] for dashboard in DASHBOARDS.values()}
    rows = [
        f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {titles[alert.dashboard]} |"
        for alert in alerts.alerts()
    ]
    assert [line for line in RUNBOOKS.read_text().splitlines() if line.startswith("| [")] == rows


def test_there_is_no_runbook_of_an_alert_that_does_not_exist() -> None:
    assert re.findall(r"^## (.+)$", RUNBOOKS.read_text(), re.MULTILINE) == NAMES


def _cases() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CASES.read_text())
    return found


def _cases_of(name: str) -> dict[str, Any]:
    """Return the cases without those of other alerts, which take their time."""
    found = _cases()
    for test in found["tests"]:
        test["alert_rule_test"] = [case for case in test["alert_rule_test"] if case["alertname"] == name]
    return found | {"tests": [test for test in found["tests"] if test["alert_rule_test"]]}
