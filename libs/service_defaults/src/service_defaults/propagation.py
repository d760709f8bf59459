"""Trace context from outside: reading a message's headers never fails.

A header of RabbitMQ can be a number, a list, a table. OpenTelemetry's propagators expect texts and raise for
all else, before any handler has seen the message: it would never be settled, and a consumer that may hold one
message at a time would get no other.
"""

from opentelemetry.context import Context
from opentelemetry.propagate import get_global_textmap, set_global_textmap
from opentelemetry.propagators.textmap import (
    CarrierT,
    Getter,
    Setter,
    TextMapPropagator,
    default_getter,
    default_setter,
)


def read_texts_only() -> None:
    """Let this process's propagators see no header that is not a text; harmless when repeated."""
    if not isinstance(get_global_textmap(), _TextsOnly):
        set_global_textmap(_TextsOnly(get_global_textmap()))


class _TextsOnly(TextMapPropagator):
    """Another propagator, shown texts only."""

    def __init__(self, propagator: TextMapPropagator) -> None:
        self._propagator = propagator

    def extract(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        getter: Getter[CarrierT] = default_getter,
    ) -> Context:
        return self._propagator.extract(carrier, context, _Texts(getter))

    def inject(
        self,
        carrier: CarrierT,
        context: Context | None = None,
        setter: Setter[CarrierT] = default_setter,
    ) -> None:
        self._propagator.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:
        return self._propagator.fields


class _Texts(Getter[CarrierT]):
    """Another getter's values, as far as they are texts."""

    def __init__(self, getter: Getter[CarrierT]) -> None:
        self._getter = getter

    def get(self, carrier: CarrierT, key: str) -> list[str] | None:
        found = self._getter.get(carrier, key)
        return [value for value in found or () if isinstance(value, str)] or None

    def keys(self, carrier: CarrierT) -> list[str]:
        return self._getter.keys(carrier)
