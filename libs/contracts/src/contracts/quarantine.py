"""The messages in quarantine, as the HTTP API returns them."""

from datetime import datetime

from pydantic import Field

from contracts import fields
from contracts.jobs import Page

#: Most bytes of a body that are shown.
SHOWN_BYTES = 4096


class QuarantinedMessage(fields.Answer):
    """A message that no service could use."""

    reason: str = Field(description="Why the message is here.")
    quarantined_at: datetime | None = Field(description="Since when it is here; null when that is not known.")
    queue: str | None = Field(description="The queue that it was taken from; null when that is not known.")
    exchange: str | None = Field(description="The exchange that it was sent to; null when that is not known.")
    routing_key: str | None = Field(
        description="The routing key that it was sent with; null when that is not known."
    )
    message_id: str | None = Field(description="The id that its sender gave it; null without one.")
    content_type: str | None = Field(
        description="What its sender said that the body is; null when it said nothing."
    )
    sender: str | None = Field(description="The program that sent it; null when it did not say so.")
    trace_id: fields.TraceHex | None = Field(
        description="Trace that the message is part of, 32 hexadecimal digits; null without one."
    )
    headers: dict[str, str] = Field(description="Its other headers as text, at most 20.")
    body: str = Field(
        description=f"The first {SHOWN_BYTES:,} bytes of its body as text; what is not UTF-8 shows as �."
    )
    size: int = Field(description="Number of bytes of the whole body.")
    truncated: bool = Field(description="Whether `body` is less than the whole.")


class QuarantinePage(Page[QuarantinedMessage]):
    """The oldest messages in quarantine."""

    total: int = Field(description="Number of all messages in quarantine.")
