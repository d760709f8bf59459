"""The schema of what Turnstile emits: every span, metric, attribute and moment, named here and nowhere else.

Code uses the names declared here; the README's table is made from them, and tests compare them with what real
processes emit. `python -m contracts.telemetry` prints the schema as JSON.
"""
