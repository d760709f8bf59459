"""All that installs, runs, shows and documents Turnstile on one machine.

`install` and `servers` install programs, `processes` runs them, `stack` is the installation behind `make up`,
`demo` is `make demo`. Each imports only those named before it. `dashboards` and `documentation` write files.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent
