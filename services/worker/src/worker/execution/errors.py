"""What can go wrong when runners are started."""


class ExecutionError(Exception):
    """Jobs cannot be executed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class RunnerStartError(ExecutionError):
    """A runner did not start."""


class EnforcerStartError(ExecutionError):
    """The process that enforces deadlines did not start."""
