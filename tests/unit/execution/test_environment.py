"""What user code gets to see of the worker's environment."""

from worker.execution.environment import scrubbed, withheld


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
        "OLD_BROKER": "see AMQP://guest@host",
        "BUS": "Endpoint=sb://x;SharedAccessKey = secret",
        "IDENTITY_HEADER": "x",
        "MSI_SECRET": "x",
        "SUPERVISOR_PASSWORD": "x",
        "azure_client_id": "x",
        "TURNSTILE_INPUT": "x",
    }
    kept = {
        "PATH": "/bin",
        "OTEL_PROPAGATORS": "tracecontext",
        "TURNSTILE_INPUT_FOLDER": "/data",
        "TURNSTILE_INPUT_CONTAINER_URL": "http://account/input?sv=1&sig=abc",
        "PYTHONPATH": "/jobs",
        "TURNSTILE_INPUT_CONNECTION": "AccountKey=the job's own",
        "BROKER_WITHOUT_A_PASSWORD": "amqp://host/",
        "IDENTITY": "x",
        "MY_AZURE_REGION": "x",
    }
    assert scrubbed({**hidden, **kept}) == kept


def test_what_is_left_out_is_named_without_the_settings_of_turnstile_and_without_values():
    environment = {
        "ORDERS_EVENT_HUB": "Endpoint=sb://x/;SharedAccessKey=k",
        "AZURE_OPENAI_API_KEY": "k",
        "PLAIN": "1",
        "TURNSTILE_RABBITMQ_URL": "amqp://guest:guest@host",
        "OTEL_EXPORTER_OTLP_HEADERS": "x",
        "SUPERVISOR_SERVER_URL": "x",
        "TURNSTILE_INPUT_CONNECTION": "AccountKey=the job's own",
    }
    assert withheld(environment) == ["AZURE_OPENAI_API_KEY", "ORDERS_EVENT_HUB"]
