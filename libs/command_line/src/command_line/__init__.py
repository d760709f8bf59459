"""The turnstile command: submit, watch, list and inspect jobs over the HTTP API."""
