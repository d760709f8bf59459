"""What is changed, package by package, and the tests that must notice."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Package:
    """A package of the product.

    Args:
        name: Import name.
        source: Folder of the package, from the root of the repository.
        tests: Files and folders of tests, from the root.
        target: Share of the changes, in percent, that tests must notice.
        left_out: Modules that are not changed: wiring, settings, declarations, what only words its output.
        chosen: pytest's -k, to choose among the tests.
        needs_azurite: Whether tests ask for a storage emulator.
    """

    name: str
    source: str
    tests: tuple[str, ...]
    target: int
    left_out: tuple[str, ...] = ()
    chosen: str = ""
    needs_azurite: bool = False

    @property
    def choice(self) -> list[str]:
        """The options of pytest that choose among the tests of files."""
        return ["--rootdir", str(ROOT), *(["-k", self.chosen] if self.chosen else [])]

    def modules(self) -> list[str]:
        """Return the modules that are changed, in order."""
        folder = ROOT / self.source
        found = []
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder.parent).with_suffix("").parts
            module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if not any(module == left or module.startswith(f"{left}.") for left in self.left_out):
                found.append(module)
        return found


_WIRING = ("main", "settings", "__main__", "application", "wiring")


def _service(name: str, folder: str, tests: tuple[str, ...], left_out: tuple[str, ...] = ()) -> Package:
    out = tuple(f"{name}.{module}" for module in (*_WIRING, *left_out))
    return Package(name, f"services/{folder}/src/{name}", tests, 90, out)


PACKAGES = {
    package.name: package
    for package in (
        Package(
            "coordination",
            "libs/coordination/src/coordination",
            (
                "tests/unit/coordination",
                "tests/unit/scheduler",
                "tests/conformance",
                "tests/simulation/test_short.py",
            ),
            95,
            chosen="not azurite",
        ),
        Package(
            "turnstile", "libs/turnstile/src/turnstile", ("tests/unit/turnstile", "tests/unit/execution"), 95
        ),
        Package(
            "contracts",
            "libs/contracts/src/contracts",
            ("tests/unit/contracts", "tests/unit/publisher", "tests/unit/audit_projector"),
            90,
            # Declared names, which tests compare with a file in the repository, and with what services emit.
            ("contracts.telemetry",),
        ),
        Package(
            "azure_storage",
            "libs/azure_storage/src/azure_storage",
            ("tests/unit/azure_storage", "tests/conformance", "tests/integration/azure_storage"),
            90,
            needs_azurite=True,
        ),
        Package(
            "read_models",
            "libs/read_models/src/read_models",
            ("tests/conformance", "tests/unit/read_models"),
            90,
            chosen="not azurite",
        ),
        Package("verification", "libs/verification/src/verification", ("tests/unit/verification",), 90),
        Package(
            "submission",
            "libs/submission/src/submission",
            ("tests/unit/submission", "tests/unit/publisher"),
            90,
        ),
        Package(
            "schedules",
            "libs/schedules/src/schedules",
            ("tests/unit/schedules", "tests/unit/publisher/test_schedules.py"),
            90,
        ),
        _service(
            "publisher",
            "publisher",
            ("tests/unit/publisher",),
            ("http.documentation", "http.application", "http.aliases"),
        ),
        _service(
            "worker",
            "worker",
            ("tests/unit/worker", "tests/unit/execution", "tests/integration/execution"),
        ),
        _service("scheduler", "scheduler", ("tests/unit/scheduler",)),
        _service("audit_projector", "audit-projector", ("tests/unit/audit_projector",)),
    )
}
