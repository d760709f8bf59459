"""What every test can ask for."""

import os

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.servers",)

# The servers that tests start are on this machine, which a company's proxy cannot reach.
os.environ.update(dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1,localhost"))

# How long an example takes says what else the machine does.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
