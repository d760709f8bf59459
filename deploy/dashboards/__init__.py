"""Grafana's dashboards and Prometheus' alert rules, made from the telemetry schema.

`python -m deploy.dashboards` writes them to grafana/dashboards and grafana/alerts; a test compares.
"""
