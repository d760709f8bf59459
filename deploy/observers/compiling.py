"""Compiles Jaeger and the OpenTelemetry Collector with Go.

Neither Debian nor PyPI nor npm has them. Go checks every module against its public checksum database.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.errors import InstallError

#: Its program `cmd/jaeger` is that of Jaeger 2.13, without the web pages.
JAEGER = "github.com/jaegertracing/jaeger"
JAEGER_VERSION = "v1.76.0"
_COLLECTOR = "go.opentelemetry.io/collector"
_CONTRIB = "github.com/open-telemetry/opentelemetry-collector-contrib"
COLLECTOR_VERSION = "v0.140.0"
_PROVIDERS_VERSION = "v1.46.0"
_CONTRIB_VERSION = "v0.140.1"

#: What grafana/collector.yaml uses: kind of part, module, version.
_PARTS = (
    ("extensions", f"{_CONTRIB}/extension/healthcheckextension", _CONTRIB_VERSION),
    ("receivers", f"{_COLLECTOR}/receiver/otlpreceiver", COLLECTOR_VERSION),
    ("processors", f"{_COLLECTOR}/processor/memorylimiterprocessor", COLLECTOR_VERSION),
    ("exporters", f"{_COLLECTOR}/exporter/otlpexporter", COLLECTOR_VERSION),
    ("exporters", f"{_COLLECTOR}/exporter/otlphttpexporter", COLLECTOR_VERSION),
    ("providers", f"{_COLLECTOR}/confmap/provider/envprovider", _PROVIDERS_VERSION),
    ("providers", f"{_COLLECTOR}/confmap/provider/fileprovider", _PROVIDERS_VERSION),
    ("providers", f"{_COLLECTOR}/confmap/provider/yamlprovider", _PROVIDERS_VERSION),
)


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the compiled programs, which all checkouts share; its name has their versions."""
    caches = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "turnstile" / f"observers-{JAEGER_VERSION}-{COLLECTOR_VERSION}"


def compile_missing(folder: Path) -> list[str]:
    """Compile what the folder does not have, and return the names. Raises InstallError with what to do."""
    makers = {"jaeger": _jaeger, "otelcol-contrib": _collector}
    missing = [name for name in makers if not (folder / name).exists()]
    if missing and not shutil.which("go"):
        message = "Jaeger and the Collector are compiled with Go, 1.26 or newer, which is not installed."
        raise InstallError(f"{message} Install it, or start Docker and use RUNTIME=docker.")
    folder.mkdir(parents=True, exist_ok=True)
    for name in missing:
        print(f"Compiling {name}, which takes some minutes ...", flush=True)
        # In another folder first: a compilation that is cut off leaves nothing that looks like a program.
        with tempfile.TemporaryDirectory(prefix="turnstile-compile-", dir=folder) as work:
            makers[name](Path(work)).replace(folder / name)
    return missing


def _jaeger(work: Path) -> Path:
    program = work / "jaeger"
    _go(work, "mod", "init", "observers")
    # As a tool of a module of ours: `go install` refuses programs whose own module replaces others.
    _go(work, "get", "-tool", f"{JAEGER}/cmd/jaeger@{JAEGER_VERSION}")
    _go(work, "build", "-ldflags", "-s -w", "-o", str(program), f"{JAEGER}/cmd/jaeger")
    return program


def _collector(work: Path) -> Path:
    parts = work / "parts.yaml"
    parts.write_text(collector_parts())
    _go(work, "install", f"{_COLLECTOR}/cmd/builder@{COLLECTOR_VERSION}", GOBIN=str(work))
    _run(work, [str(work / "builder"), "--config", str(parts)], {})
    return work / "out" / "otelcol-contrib"


def collector_parts() -> str:
    """Return the configuration of the Collector's builder."""
    version = COLLECTOR_VERSION.removeprefix("v")
    lines = [f"dist: {{name: otelcol-contrib, output_path: ./out, module: observers, version: {version}}}"]
    for kind in dict.fromkeys(kind for kind, _, _ in _PARTS):
        lines.append(f"{kind}:")
        lines += [f"  - gomod: {module} {version}" for of, module, version in _PARTS if of == kind]
    return "\n".join([*lines, ""])


def _go(work: Path, *arguments: str, **environment: str) -> None:
    _run(work, ["go", *arguments], environment)


def _run(work: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        cwd=work,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = "\n".join(done.stdout.splitlines()[-20:])
        message = f"{' '.join(command)} ended with {done.returncode}:\n{said}"
        raise InstallError(message)
