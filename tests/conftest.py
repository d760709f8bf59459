"""What every test can ask for."""

from hypothesis import HealthCheck, settings

pytest_plugins = ("tests.servers",)

# How long an example takes says what else the machine does.
settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
