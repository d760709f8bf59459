"""Secrets stand in no log line, span or log record, whatever is logged."""

import io
import logging
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Status, StatusCode
from pydantic import SecretStr

from service_defaults.delivery import Losses
from service_defaults.exporting import RedactedSpans
from service_defaults.logging import configure_logging
from service_defaults.secrets import Redaction, redaction_for
from service_defaults.settings import ServiceSettings

MALFORMED = "canary alone 1f69"
PASSWORD, KEY, TOKEN = "canary-pass-1f69", "canaryKey1f69abcdef+/==", "canary-token-71f6"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-scope=1,authorization=Bearer%20{TOKEN}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", MALFORMED)
    return ServiceSettings(
        rabbitmq_url=SecretStr(f"amqps://turnstile:{PASSWORD}@broker:5671/"),
        storage_connection_string=SecretStr(f"AccountName=a;AccountKey={KEY};EndpointSuffix=b"),
        log_format="json",
    )


@pytest.fixture
def redaction(settings: ServiceSettings) -> Redaction:
    return redaction_for(settings)


LEAKS = [
    f"Header format invalid! Header values must be URL encoded: {MALFORMED}",
    f"AMQPConnectionError: amqps://turnstile:{PASSWORD}@broker:5671/?heartbeat=10",
    f"login refused for turnstile with {PASSWORD}",
    f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={KEY};EndpointSuffix=b",
    f"signed with {KEY}",
    f"https://a.blob.core.windows.net/in/file?sv=2025&sig={TOKEN}%3D&se=2030",
    f"Invalid header value: 'Bearer {TOKEN}'",
    f"{{'Authorization': 'SharedKey a:{TOKEN}'}}",
    f"http://somebody:{TOKEN}@collector:4318/v1/traces",
]


@pytest.mark.parametrize("leak", LEAKS)
def test_a_secret_is_masked_wherever_it_stands(redaction: Redaction, leak: str) -> None:
    assert "canary" not in redaction.text(leak)
    assert "***" in redaction.text(leak)


@pytest.mark.parametrize(
    "text",
    [
        "turnstile.jobs",
        "https://broker:5671/path with mail@example.org",
        '{"url": "http://a:8080/", "mail": "b@c"}',
        "signal=15 design=good",
        "wrong password: try another one",
        'password is "wrong", token=12',
    ],
)
def test_what_is_no_secret_is_left_as_it_is(redaction: Redaction, text: str) -> None:
    assert redaction.text(text) == text


def test_a_password_that_is_no_secret_does_not_mask_a_name() -> None:
    example = ServiceSettings(
        rabbitmq_url=SecretStr("amqp://turnstile:turnstile@broker/"),
        storage_connection_string=SecretStr("AccountName=a;AccountKey=b"),
    )
    assert redaction_for(example).text("turnstile.jobs") == "turnstile.jobs"


@pytest.mark.parametrize(
    ("secrets", "text", "masked"),
    [
        # A secret is at least eight characters long; a shorter one would mask what is none.
        (["12345678"], "a12345678b", "a***b"),
        (["1234567"], "a1234567b", "a1234567b"),
        # One that contains another is masked whole.
        (["abcdefgh", "abcdefgh-ijkl"], "abcdefgh-ijkl abcdefgh", "*** ***"),
        # As it stands in JSON.
        (['pass"word\\ü'], '{"x": "pass\\"word\\\\ü"}', '{"x": "***"}'),
        (["a.b.c.d.e"], "aXbXcXdXe a.b.c.d.e", "aXbXcXdXe ***"),
        ([], "nothing", "nothing"),
    ],
)
def test_a_known_secret_is_masked_in_every_spelling(secrets: list[str], text: str, masked: str) -> None:
    assert Redaction(secrets).text(text) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("amqp://user:pass@host/", "amqp://user:***@host/"),
        ("amqp://:pass@host/", "amqp://:***@host/"),
        ("AccountName=a;AccountKey=k+/==;x=1", "AccountName=a;AccountKey=***;x=1"),
        ("SharedAccessKey=k", "SharedAccessKey=***"),
        ("?sv=1&sig=a%2Fb&se=2", "?sv=1&sig=***&se=2"),
        ("sig%3Dabc rest", "sig%3D*** rest"),
        ("Authorization: Bearer abc.def, x", "Authorization: ***, x"),
        ("{'authorization': 'SharedKeyLite a:b=='}", "{'authorization': '***'}"),
        ("AUTHORIZATION=Basic abc", "AUTHORIZATION=***"),
        ("authorization: abc", "authorization: ***"),
        (f"wrong key ts_k3m9x2ab_{'Ab-_' * 10}xyz.", "wrong key ts_k3m9x2ab_***."),
        ("host=db user=app password=pass sslmode=on", "host=db user=app password=*** sslmode=on"),
        ("connect(user='app', password='pass', port=1)", "connect(user='app', password='***', port=1)"),
        ("Server=db;Uid=app;Pwd=pass;Database=x", "Server=db;Uid=app;Pwd=***;Database=x"),
        ("client_secret=abc&grant_type=x", "client_secret=***&grant_type=x"),
        ("?access_token=abc&page=2", "?access_token=***&page=2"),
        (
            '{"user": "app", "password": "pass", "api_key": "abc"}',
            '{"user": "app", "password": "***", "api_key": "***"}',
        ),
        ("{'refresh_token': 'abc'}", "{'refresh_token': '***'}"),
    ],
)
def test_what_has_the_form_of_a_secret_is_masked_and_the_rest_is_left(text: str, masked: str) -> None:
    assert Redaction().text(text) == masked


def test_a_part_of_a_setting_is_as_secret_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=canary%2Done, b=canary%2Dtwo")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_OTHER", "c=canary-other")
    monkeypatch.setenv("SOME_HEADERS", "d=canary-other")
    settings = ServiceSettings(
        rabbitmq_url=SecretStr("amqp://u:canary%2Dpass@h/"),
        storage_connection_string=SecretStr("AccountName=account-name;AccountKey=canary-key=="),
    )
    redaction = redaction_for(settings)
    for secret in ("canary%2Done", "canary-one", "canary-two", "canary-pass", "canary-key=="):
        assert redaction.text(f"say {secret} aloud") == "say *** aloud"
    assert redaction.text("account-name c=canary-other") == "account-name c=canary-other"


def test_an_address_without_a_password_has_nothing_to_mask() -> None:
    settings = ServiceSettings(
        rabbitmq_url=SecretStr("amqp://somebody@broker/"),
        storage_connection_string=SecretStr("AccountName=a;AccountKey=b"),
    )
    assert redaction_for(settings).text("somebody at broker") == "somebody at broker"


@pytest.fixture
def lines(settings: ServiceSettings) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers, root.level
    configure_logging(settings, stream)
    yield stream
    root.handlers, root.level = before
    logging.captureWarnings(capture=False)


@pytest.mark.parametrize("leak", LEAKS)
def test_no_log_line_has_a_secret(lines: io.StringIO, leak: str) -> None:
    try:
        raise ConnectionError(leak)
    except ConnectionError as error:
        logging.getLogger("some.library").exception("failed: %s", leak, extra={"error.message": repr(error)})
    assert "failed" in lines.getvalue()
    assert "canary" not in lines.getvalue()


def test_what_opentelemetry_complains_about_is_said_once_a_minute(lines: io.StringIO) -> None:
    for number in range(100):
        logging.getLogger("opentelemetry.exporter").error("Failed to export batch %d", number)
        logging.getLogger("turnstile").error("something else")
    assert lines.getvalue().count("Failed to export batch") == 1
    assert lines.getvalue().count("something else") == 100


@pytest.mark.parametrize("leak", LEAKS)
def test_no_span_has_a_secret(redaction: Redaction, leak: str) -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(RedactedSpans(kept, redaction, Losses("traces"))))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span(f"get {leak}", attributes={"url": leak, "all": [leak], "n": 1}) as span:
        span.set_status(Status(StatusCode.ERROR, leak))
        span.record_exception(ConnectionError(leak))
        span.add_event(leak)
    with tracer.start_as_current_span("nothing secret", attributes={"job.kind": "ten-steps"}):
        pass
    told, plain = kept.get_finished_spans()
    assert "canary" not in told.to_json()
    assert told.attributes is not None
    assert (told.attributes["n"], len(told.events), told.context) == (1, 2, span.get_span_context())
    assert plain.attributes == {"job.kind": "ten-steps"}
