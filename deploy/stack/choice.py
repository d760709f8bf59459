"""The two ways to run a stack, and the choice between them."""

from typing import Protocol

from deploy.errors import SettingError
from deploy.stack import addresses
from deploy.stack.containers import ContainerStack
from deploy.stack.native import NativeStack
from deploy.stack.settings import StackSettings

_NATIVE, _DOCKER = "native", "docker"


class Stack(Protocol):
    """A way to run the stack."""

    def is_up(self) -> bool:
        """Return whether the stack was started."""

    def up(self) -> None:
        """Start what does not run and wait until all is ready."""

    def pages(self) -> list[addresses.Page]:
        """Return where people find what."""

    def down(self) -> None:
        """Stop everything; data stays."""

    def scale(self, workers: int) -> None:
        """Run that many workers."""

    def ps(self) -> bool:
        """Print each process and its health; return whether all is well."""

    def logs(self, service: str | None, *, follow: bool) -> None:
        """Print the end of the logs, and what comes, until interrupted."""

    def kill_worker(self, name: str | None) -> None:
        """Kill one worker as a crash would, and print its name."""

    def remove_data(self) -> None:
        """Stop everything and remove all that the stack keeps."""

    def run(self, module: str) -> int:
        """Run a module of a service against the stack; return its exit code."""


def choose(settings: StackSettings, runtime: str | None = None) -> Stack:
    """Return the stack that is up, else the one to start: the asked for, Docker's, or the native one."""
    runtime = runtime or settings.runtime
    if runtime not in (None, "", _NATIVE, _DOCKER):
        message = f"RUNTIME must be {_NATIVE} or {_DOCKER}, not {runtime!r}"
        raise SettingError(message)
    native = NativeStack(settings)
    if runtime == _NATIVE or (not runtime and native.is_up()):
        return native
    containers = ContainerStack(settings)
    if runtime == _DOCKER or containers.engine_answers():
        return containers
    return native
