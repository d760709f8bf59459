"""The file of inputs as a setting of ingress."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.telemetry.names import Source
from ingress.settings import IngressSettings
from service_defaults.secrets import redaction_for

STORAGE = "AccountName=a;AccountKey=b"

FILE = """
[inputs.orders]
type = "rabbitmq"
source = { url = { env = "ORDERS_URL" }, queue = "orders", dead_letters = "orders.dead" }
job = { kind = "import-order" }
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IngressSettings:
    monkeypatch.setenv("ORDERS_URL", "amqps://turnstile:canary-7b1a7c4e@broker.example/sales")
    (tmp_path / "inputs.toml").write_text(FILE)
    return IngressSettings(storage_connection_string=STORAGE, inputs=tmp_path / "inputs.toml")  # type: ignore[arg-type]


def test_without_a_file_there_are_no_inputs() -> None:
    assert not IngressSettings(storage_connection_string=STORAGE).configured()  # type: ignore[arg-type]
    assert Source.INGRESS.service_name == "turnstile-ingress"


def test_inputs_of_a_file_can_be_opened(settings: IngressSettings) -> None:
    (configured,) = settings.configured()

    assert configured.name == "orders"
    assert configured.open().holds_for is None


def test_secrets_of_a_file_are_masked(settings: IngressSettings) -> None:
    masked = redaction_for(settings).text("login with canary-7b1a7c4e failed")

    assert masked == "login with *** failed"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            '"rabbitmq"',
            '"sqs"',
            "inputs.orders.type: 'sqs' is not a type of inputs; known: aliyun-mns, rabbitmq",
        ),
        ("ORDERS_URL", "NOT_SET", "the environment variable NOT_SET is not set"),
        ('"orders.dead"', '"orders"', "dead_letters: must be another queue"),
        ('queue = "orders", ', "", "inputs.orders.source.queue: is required"),
    ],
)
def test_what_is_wrong_with_the_file_is_said(
    settings: IngressSettings, tmp_path: Path, old: str, new: str, words: str
) -> None:
    (tmp_path / "inputs.toml").write_text(FILE.replace(old, new))

    with pytest.raises(ValidationError, match=words):
        IngressSettings(storage_connection_string=STORAGE, inputs=tmp_path / "inputs.toml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "url", ["http://broker.example", "amqps://", "amqps://b?no_verify_ssl=1", "amqp://["]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ORDERS_URL", url)
    (tmp_path / "inputs.toml").write_text(FILE)

    with pytest.raises(ValidationError, match=r"inputs\.orders\.source\.url: must") as caught:
        IngressSettings(storage_connection_string=STORAGE, inputs=tmp_path / "inputs.toml")  # type: ignore[arg-type]
    assert "broker.example" not in str(caught.value.errors()[0]["msg"])
