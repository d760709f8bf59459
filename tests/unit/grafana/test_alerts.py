"""Every alert is sound, fires when it should and not otherwise, and has a paragraph that says what to do."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from deploy import install_servers
from deploy.dashboards import alerts
from deploy.dashboards.__main__ import FOLDER
from tests.unit.grafana.promql import mentioned
from tests.unit.grafana.test_dashboards import DASHBOARDS, known

RULES = FOLDER / "alerts" / "turnstile.yml"
CASES = FOLDER / "alerts" / "tests" / "turnstile.yml"
README = FOLDER.parent / "README.md"
NAMES = [alert.name for alert in alerts.alerts()]


@pytest.fixture(scope="session", autouse=True)
def _promtool() -> None:
    install_servers.ensure_prometheus()


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
def test_the_readme_says_what_to_do(alert: alerts.Alert) -> None:
    file, _, anchor = alert.rule()["annotations"]["runbook_url"].partition("#")
    text = (FOLDER.parent / file).read_text()
    section = text.partition("\n## Alerts\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^#+ (.+)$", section, re.MULTILINE)
    assert anchor in {heading.lower() for heading in headings}
    paragraph = section.partition(f"### {alert.name}\n")[2].partition("\n### ")[0]
    assert len(paragraph.split()) > 25
    assert alert.dashboard in {dashboard["uid"] for dashboard in DASHBOARDS.values()}


def test_the_readme_says_nothing_of_alerts_that_are_not() -> None:
    section = README.read_text().partition("\n## Alerts\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", section, re.MULTILINE) == NAMES


def _cases() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CASES.read_text())
    return found


def _cases_of(name: str) -> dict[str, Any]:
    """Give the cases without those of other alerts, which take their time."""
    found = _cases()
    for test in found["tests"]:
        test["alert_rule_test"] = [case for case in test["alert_rule_test"] if case["alertname"] == name]
    return found | {"tests": [test for test in found["tests"] if test["alert_rule_test"]]}
