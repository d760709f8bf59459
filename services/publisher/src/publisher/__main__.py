"""Runs the publisher: `python -m publisher`."""

from publisher.main import create_app
from publisher.settings import PublisherSettings
from service_defaults.app import serve
from service_defaults.settings import read_settings

if __name__ == "__main__":
    settings = read_settings(PublisherSettings)
    serve(create_app, settings)
