"""The configuration of `logging`, put back as it was before a job."""

import logging
from collections.abc import Callable
from typing import Any

#: What can be configured of a logger: level, handlers, filters, whether it propagates and is disabled.
#: A tuple, as there are hundreds of loggers, and they are looked at around each job.
_State = tuple[int, list[logging.Handler], list[Any], bool, bool]


def _state_of(logger: logging.Logger) -> _State:
    return logger.level, logger.handlers.copy(), logger.filters.copy(), logger.propagate, logger.disabled


def _set(logger: logging.Logger, state: _State) -> None:
    level, handlers, filters, logger.propagate, logger.disabled = state
    logger.setLevel(level)  # also forgets which levels are enabled
    logger.handlers[:], logger.filters[:] = handlers, filters


#: A logger that nothing was done to.
_UNTOUCHED: _State = (logging.NOTSET, [], [], True, False)


def remember_logging() -> Callable[[], None]:
    """Return a function that puts the configuration of logging back. It may be called several times.

    Loggers that are new by then count as new: whoever made one did so in a job.
    """
    manager = logging.root.manager
    states = {logger: _state_of(logger) for logger in _loggers()}
    handlers = [(one, one.level, list(one.filters)) for one in logging.root.handlers]
    disabled_below, factory = manager.disable, logging.getLogRecordFactory()

    def put_back() -> None:
        logging.setLogRecordFactory(factory)
        if manager.disable != disabled_below:
            logging.disable(disabled_below)
        for logger in _loggers():
            before = states.get(logger, _UNTOUCHED)
            if _state_of(logger) != before:
                _set(logger, before)
        for handler, level, filters in handlers:
            handler.setLevel(level)
            handler.filters[:] = filters

    return put_back


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
