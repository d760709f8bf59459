"""What Streamlit logs, through the logging of every service."""

import logging

from streamlit import logger as streamlit_logger


def adopt() -> None:
    """Let Streamlit's loggers, those to come too, hand their records on instead of printing them.

    Streamlit gives each of its loggers, and uvicorn's, a handler and a format of its own, and does so again
    whenever its configuration is read.
    """
    streamlit_logger.setup_formatter = _without_handler
    streamlit_logger.update_formatter()


def _without_handler(logger: logging.Logger) -> None:
    logger.handlers = []
    logger.propagate = True
