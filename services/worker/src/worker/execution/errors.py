"""What can go wrong when runners are started."""


class ExecutionError(Exception):
    """Jobs cannot be executed."""


class RunnerStartError(ExecutionError):
    """A runner did not start."""


class EnforcerStartError(ExecutionError):
    """The process that enforces deadlines did not start."""
