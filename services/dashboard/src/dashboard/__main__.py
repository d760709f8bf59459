"""Runs the dashboard: `python -m dashboard`."""

from dashboard.main import create_app
from dashboard.settings import DashboardSettings
from service_defaults.app import serve
from service_defaults.settings import read_settings

if __name__ == "__main__":
    serve(create_app, read_settings(DashboardSettings))
