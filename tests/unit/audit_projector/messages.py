"""Messages that announce what a world wrote, as they travel, and a projector that hears them."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

from faststream.rabbit.annotations import RabbitMessage
from tests.unit.audit_projector.doubles import World

from audit_projector.announcement_reader import AnnouncementReader
from audit_projector.handling import EventHandler
from audit_projector.telemetry import ProjectionTelemetry
from coordination.ports import Announcement
from service_defaults.broker import MessageReader, NotUnderstoodError, Seal, parse_body
from service_defaults.broker.announcing import group
from service_defaults.broker.seal import HEADER


def seal_of(key: bytes = b"secret", name: str = "a-key") -> Seal:
    """Return a seal with a key."""
    seal = Seal()
    seal.use(name, key)
    return seal


def body_of(announcements: Sequence[Announcement]) -> bytes:
    """Return the body of one message."""
    body, count = group(announcements)
    assert count == len(announcements)
    return body


def message(body: bytes, seal: str | None) -> RabbitMessage:
    """Return a message with a body and a seal."""
    headers = {} if seal is None else {HEADER: seal}
    return cast("RabbitMessage", SimpleNamespace(body=body, headers=headers))


def sealed(*announcements: Announcement) -> RabbitMessage:
    """Return the message that a service of the installation sends."""
    body = body_of(announcements)
    return message(body, seal_of().of(body))


class ParsingReader:
    """Parses bodies as services do, and keeps the reasons of those that are quarantined."""

    def __init__(self) -> None:
        self.quarantined: list[str] = []

    async def parse(self, message: Any, model: Any, *, is_own: bool = False) -> Any:
        try:
            return parse_body(message.body, model, is_own=is_own)
        except NotUnderstoodError as error:
            self.quarantined.append(str(error))
            return None

    async def quarantine(self, message: Any, reason: str) -> None:
        self.quarantined.append(reason)


def handler_of(world: World, reader: ParsingReader | None = None) -> EventHandler:
    """Return what hears messages for the world's projection."""
    parses = cast("MessageReader", reader or ParsingReader())
    reads = AnnouncementReader(parses, seal_of())
    return EventHandler(world.projection, reads, world.clock, ProjectionTelemetry(), gather_seconds=0)
