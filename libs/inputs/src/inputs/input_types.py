"""Types of inputs. An adapter is a plug-in: a package that names its type among its entry points.

```toml
[project.entry-points."turnstile.inputs"]
rabbitmq = "input_adapters.rabbitmq:RABBITMQ"
```
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from pydantic import BaseModel

from inputs.port import Input

#: Group of the entry points.
GROUP = "turnstile.inputs"


@dataclass(frozen=True)
class InputType:
    """A system with queues that jobs can come from."""

    #: What `[inputs.NAME.source]` says: where the queue is, and how to get in.
    settings: type[BaseModel]
    #: Makes an input of such settings, and of the number of messages in hand at once. It connects later.
    open: Callable[[Any, int], Input]


def installed_types() -> Mapping[str, InputType]:
    """Return the types of the packages that are installed, by name."""
    return {point.name: point.load() for point in entry_points(group=GROUP)}
