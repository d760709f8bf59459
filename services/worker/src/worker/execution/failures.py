"""How a handler's error is reported to the supervisor."""

import asyncio
import traceback

from contracts.telemetry import attributes as at
from turnstile.context import RunContext
from turnstile.errors import FailJob, InvalidParametersError, RetryLater
from turnstile.retries import names_of_classes
from worker.execution import messages
from worker.execution.error_texts import leaves_of, reason_of, text_of

#: Most classes of an error that are named.
_MOST_CLASSES = 50


def describe(
    run: int, error: BaseException, context: RunContext, *, was_stopped: bool = False
) -> messages.Done:
    """Return how a handler ended that raised; with its traceback, which is logged, too, where it helps."""
    lacks_memory = _lacks_memory(error)
    if lacks_memory:
        # Lets go of what the handler's frames hold: the rest of this would not fit otherwise.
        traceback.clear_frames(error.__traceback__)
    error = reason_of(error)
    is_final = isinstance(error, FailJob | InvalidParametersError)
    retry_after = error.seconds if isinstance(error, RetryLater) else None
    if isinstance(error, RetryLater) and error.__cause__ is not None:
        error = error.__cause__
    name = "InvalidParameters" if isinstance(error, InvalidParametersError) else type(error).__name__
    # A CancelledError of the handler's own is a surprise as any other error is.
    is_stop = isinstance(error, asyncio.CancelledError) and was_stopped
    is_expected = is_stop or is_final or retry_after is not None
    is_surprise = not is_expected and not context.was_asked_to_stop
    if is_surprise:
        context.logger.error("handler raised", exc_info=error, extra={at.ERROR_TYPE: name})
    return messages.Done(
        run=run,
        error_type=messages.clean(name, 200),
        error_message=text_of(error),
        traceback=_traceback_of(error) if is_surprise else "",
        error_classes=[] if is_final else _classes_of(error),
        retry_after=retry_after,
        was_stopped=was_stopped,
        is_tainted=lacks_memory,
        replace_because="it ran out of memory" if lacks_memory else "",
    )


def describe_process_end(run: int, error: BaseException) -> messages.Done:
    """Describe an error that ended the event loop itself, such as SystemExit in a task of the handler's."""
    return messages.Done(
        run=run,
        error_type=type(error).__name__,
        error_message=text_of(error),
        traceback=_traceback_of(error),
        error_classes=_classes_of(error),
        is_tainted=True,
        replace_because=f"its event loop was ended by {type(error).__name__}",
    )


def _classes_of(error: BaseException) -> list[str]:
    """Return the full names of an error's classes and, of a group, of those in it."""
    errors = [error, *leaves_of(error)]
    names = dict.fromkeys(name for each in errors for name in names_of_classes(each))
    return [messages.clean(name, 400) for name in list(names)[:_MOST_CLASSES]]


def _lacks_memory(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(MemoryError) is not None
    return isinstance(error, MemoryError)


def _traceback_of(error: BaseException) -> str:
    """Return an error's traceback, or nothing when it cannot be written down, as without memory."""
    try:
        return messages.clean_end("".join(traceback.format_exception(error)))
    except Exception:  # noqa: BLE001 - the error's message must be reported nevertheless
        return ""
