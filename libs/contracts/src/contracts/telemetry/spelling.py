"""Names of attributes as Prometheus and Loki spell them, which know fewer characters than OpenTelemetry."""

import re
from functools import lru_cache

from contracts.telemetry import attributes, resource
from contracts.telemetry.names import Attribute

_OTHERS = re.compile(r"[^A-Za-z0-9]+")
#: What Loki adds to every line from fields of the record.
_OF_LOKI = (
    *("severity_text", "severity_number", "detected_level", "observed_timestamp", "flags"),
    *("scope_name", "scope_version"),
)


@lru_cache(4096)
def label_of(name: str) -> str:
    """Return a name as a label; it is empty if no character of the name is a letter or digit of ASCII."""
    label = _OTHERS.sub("_", name)
    if not label.strip("_"):
        return ""
    return f"key_{label}" if label[0].isdigit() else label


#: The labels that are taken.
OURS = frozenset(
    label_of(value)
    for module in (attributes, resource)
    for value in vars(module).values()
    if isinstance(value, Attribute)
)
TAKEN = OURS | frozenset(_OF_LOKI)
