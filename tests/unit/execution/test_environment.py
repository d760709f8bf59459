"""What user code gets to see of the worker's environment."""

from worker.execution.environment import scrubbed


def test_credentials_are_left_out_by_name_and_by_look():
    hidden = {
        "TURNSTILE_RABBITMQ_URL": "amqp://a",
        "TURNSTILE_STORAGE_CONNECTION_STRING": "x",
        "TURNSTILE_API_KEY": "x",
        "AZURE_CLIENT_SECRET": "x",
        "IDENTITY_ENDPOINT": "http://169.254.169.254",
        "AMQP_URL": "x",
        "RABBITMQ_DEFAULT_PASS": "x",
        "ELSEWHERE": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=secret",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4317",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "api-key=x",
        "BROKER": "amqps://guest:guest@host/",
    }
    kept = {
        "PATH": "/bin",
        "OTEL_PROPAGATORS": "tracecontext",
        "TURNSTILE_INPUT_FOLDER": "/data",
        "TURNSTILE_INPUT_CONTAINER_URL": "http://account/input?sv=1&sig=abc",
        "PYTHONPATH": "/jobs",
    }
    assert scrubbed({**hidden, **kept}) == kept
