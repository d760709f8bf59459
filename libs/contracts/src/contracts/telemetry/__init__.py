"""The schema of what Turnstile emits: every span, metric, attribute and moment, named here and nowhere else.

Code uses the names declared here. Tests compare them with what real processes emit. `python -m
deploy.documentation` makes docs/telemetry.md and spec/telemetry.json from them.
"""
