"""The checks of this process, which all its viewers share."""

import os

from dashboard.settings import DashboardSettings
from proof import Checks
from service_defaults.settings import PREFIX


def make_checks(settings: DashboardSettings) -> Checks:
    """Return what runs checks on the storage of these settings; nothing is started yet."""
    storage = {
        "STORAGE_CONNECTION_STRING": settings.storage_connection_string
        and settings.storage_connection_string.get_secret_value(),
        "STORAGE_BLOB_URL": settings.storage_blob_url,
        "STORAGE_TABLE_URL": settings.storage_table_url,
        "STORAGE_NAMESPACE": settings.storage_namespace,
    }
    ours = {f"{PREFIX}{name}": value or "" for name, value in storage.items()}
    return Checks(environment={**os.environ, **ours})  # noqa: TID251 - handed on to children, not read
