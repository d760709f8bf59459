"""Writes the dashboards and the alert rules: python -m deploy.dashboards."""

import json
from pathlib import Path

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from deploy.dashboards import alerts, guarantee, jobs, one_job, one_trace, plumbing, right_now

FOLDER = Path(__file__).parents[2] / "grafana"

_HEADER = (
    "# Made by `make dashboards` from deploy/dashboards/alerts.py, which says why; changes here are lost.\n\n"
)


def main() -> None:
    """Write everything."""
    for path, content in generated().items():
        target = FOLDER / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)


def generated() -> dict[str, str]:
    """Return the content of every file, by its path below grafana/."""
    files = {f"dashboards/{made.uid}.json": _json(made) for made in dashboards()}
    text = yaml.safe_dump(alerts.rules(), sort_keys=False, width=110, allow_unicode=True)
    return {**files, "alerts/turnstile.yml": _HEADER + text}


def dashboards() -> list[Dashboard]:
    """Make all dashboards."""
    return [module.build() for module in (right_now, jobs, one_job, one_trace, guarantee, plumbing)]


def _json(made: Dashboard) -> str:
    # Links to a panel need its number.
    for number, panel in enumerate(made.panels or [], start=1):
        panel.id_val = number
        if isinstance(panel, Panel):
            panel.options = panel.options or {}
    return json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
