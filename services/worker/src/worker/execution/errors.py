"""What can go wrong when runners are started."""


class ExecutionError(Exception):
    """Jobs cannot be executed."""


class RunnerStartError(ExecutionError):
    """A runner did not start."""


class CodeChangedError(RunnerStartError):
    """The code on disk is not the one that the pool's runners have loaded."""


class EnforcerStartError(ExecutionError):
    """The process that enforces deadlines did not start."""
