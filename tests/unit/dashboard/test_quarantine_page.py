"""What the page of quarantine draws."""

from datetime import UTC, datetime
from typing import Any

from tests.unit.dashboard.shown import find, joined, parts

from contracts.quarantine import QuarantinedMessage, QuarantinePage
from dashboard.views.quarantine import messages, sentence

NOW = datetime(2026, 11, 29, 14, tzinfo=UTC)
HOSTILE = "<script>x</script> ![x](http://evil.example)"


def message(**more: Any) -> QuarantinedMessage:
    facts: dict[str, Any] = {
        "reason": "lock: Field required",
        "quarantined_at": NOW,
        "queue": "turnstile.jobs",
        "exchange": "turnstile.jobs",
        "routing_key": "run",
        "message_id": "m-1",
        "content_type": "text/plain",
        "sender": "legacy",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "headers": {"x-tenant": HOSTILE},
        "body": HOSTILE,
        "size": 44,
        "truncated": False,
    }
    return QuarantinedMessage(**facts | more)


def page(*items: QuarantinedMessage, total: int | None = None) -> QuarantinePage:
    return QuarantinePage(items=list(items), total=len(items) if total is None else total)


def test_the_sentence_says_how_many_there_are() -> None:
    assert joined(sentence(page(), NOW)) == "Nothing is in quarantine. Looked ."
    assert joined(sentence(page(message()), NOW)) == "1 message is in quarantine. Looked ."
    assert joined(sentence(page(message(), message(), total=1200), NOW)) == (
        "1,200 messages are in quarantine. These are the oldest 2. Looked ."
    )


def test_a_message_is_shown_with_everything_that_is_known_of_it_and_as_text() -> None:
    drawn = messages(page(message()))
    for part in ("lock: Field required", "turnstile.jobs, routing key run", "m-1", "legacy", "text/plain"):
        assert part in joined(drawn)
    assert f"x-tenant: {HOSTILE}" in joined(drawn)
    [body] = list(find(drawn, "pre"))
    assert joined(body) == HOSTILE
    copied = [parts(one)[1]["copy"] for one in find(drawn, "button.copy")]
    assert copied == ["m-1", "0af7651916cd43dd8448eb211c80319c", HOSTILE]
    assert "Body, 44 bytes" in joined(drawn)


def test_a_trace_is_a_link_where_traces_can_be_looked_at() -> None:
    drawn = messages(page(message()), "http://jaeger/trace/{trace_id}")
    outward = [parts(one)[1]["out"] for one in find(drawn, "a") if "out" in parts(one)[1]]
    assert outward == ["http://jaeger/trace/0af7651916cd43dd8448eb211c80319c"]


def test_of_a_long_body_it_is_said_how_long_it_is() -> None:
    drawn = messages(page(message(body="x" * 4096, size=9000, truncated=True)))
    assert "Body, the first 4,096 of 9,000 bytes" in joined(drawn)


def test_a_message_of_which_nothing_is_known_is_shown() -> None:
    names = "quarantined_at queue exchange routing_key message_id content_type sender trace_id"
    unknown = dict.fromkeys(names.split())
    drawn = messages(page(message(**unknown, headers={}, body="", size=0)))
    assert "since when: unknown" in joined(drawn)
    assert "The body is empty." in joined(drawn)
    assert list(find(drawn, "dt")) == []


def test_an_empty_quarantine_explains_what_it_is_for() -> None:
    assert "when a service cannot understand it" in joined(messages(page()))
