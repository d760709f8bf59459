"""Attempts to break the promise under load: `make load`, or `python -m loadtest --help`.

`__main__` prepares a stack and an effect sink, and has Locust run each scenario in a process of its own, as
Locust replaces the standard library's sockets. There (`locustfile`) users submit jobs, a follower reads what
becomes of them, and faults may be caused. When all accepted jobs have ended, `turnstile verify` and checks of
what was seen over HTTP make a verdict, which decides the exit code.

A scenario is one file in `scenarios`; `scenario` says what belongs in it. What it must hold in
addition to the promises stands in thresholds.toml.
"""
