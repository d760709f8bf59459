"""Makes and compiles clients with stock generators: pinned, checked by hash, installed when they are used."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from deploy import ROOT
from deploy.install import uv

_HERE = Path(__file__).parent
_TOOLS = ROOT / ".tools" / "clients"
_SECONDS = 170

#: Of Java's generator too, whose jar comes in a package of Python.
_PYTHON_PACKAGES = {"python": "clients.txt", "java": "clients-java.txt"}
_JAR = "lib/python*/site-packages/openapi_generator_cli/openapi-generator.jar"


def python(document: Path, folder: Path, program: Path = _HERE / "python/watch.py") -> list[str]:
    """Make a client of Python, check the types of a program with it, and return the command that runs it."""
    environment = _packages("python")
    own = environment / "bin" / "python"
    made = folder / "turnstile_client"
    # It formats what it writes with the ruff of its own environment.
    path = {"PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}
    generator = str(environment / "bin" / "openapi-python-client")
    _run(folder, generator, "generate", "--path", document, "--output-path", made, "--meta", "none", env=path)
    copy = shutil.copy(program, folder / "program.py")
    # What is wrong within the client is silent: its generator does not claim to pass every check.
    how = ("--strict", "--follow-imports", "silent", "--python-executable", own)
    _run(folder, sys.executable, "-m", "mypy", *how, copy)
    return [str(own), str(copy)]


def typescript(document: Path, folder: Path, program: Path = _HERE / "typescript/watch.ts") -> list[str]:
    """Make types of TypeScript, compile a program with them, and return the command that runs it."""
    shutil.copytree(_HERE / "typescript", folder, dirs_exist_ok=True)
    shutil.copy(program, folder / "watch.ts")
    (folder / "node_modules").symlink_to(_npm_packages() / "node_modules")
    programs = folder / "node_modules" / ".bin"
    _run(folder, programs / "openapi-typescript", document, "--output", "turnstile.ts")
    _run(folder, programs / "tsc", "--project", folder)
    return ["node", str(folder / "built" / "watch.js")]


def go(document: Path, folder: Path) -> list[str]:
    """Make a client of Go, compile the program with it, and return the program."""
    _require("go")
    shutil.copytree(_HERE / "go", folder, dirs_exist_ok=True)
    _require_go_version((folder / "go.mod").read_text())
    package = folder / "turnstile"
    package.mkdir()
    what = ("-generate", "types,client", "-package", package.name, "-o", package / "client.go")
    _run(folder, "go", "tool", "oapi-codegen", *what, document)
    _run(folder, "go", "build", "-o", "watch", ".")
    return [str(folder / "watch")]


def java(document: Path, folder: Path) -> list[str]:
    """Make a client of Java, compile the program with it, and return the command that runs it."""
    _require("java", "javac")
    (jar,) = _packages("java").glob(_JAR)
    made = folder / "made"
    options = {
        "library": "native",
        "openApiNullable": "false",
        "invokerPackage": "turnstile",
        "apiPackage": "turnstile.api",
        "modelPackage": "turnstile.model",
    }
    _run(
        folder,
        *("java", "-jar", jar, "generate", "-q", "-i", document, "-g", "java", "-o", made),
        *("--global-property", "apis,models,supportingFiles,apiTests=false,modelTests=false"),
        *("--additional-properties", ",".join(f"{name}={value}" for name, value in options.items())),
    )
    sources = [*(made / "src/main").rglob("*.java"), *(_HERE / "java").rglob("*.java")]
    # The generator contains Jackson, by which its clients read and write JSON.
    _run(folder, "javac", "-proc:none", "-nowarn", "-d", "classes", "-cp", jar, *sources)
    return ["java", "-cp", f"{folder / 'classes'}:{jar}", "Watch"]


def _packages(language: str) -> Path:
    """Return the environment with a generator; install it where it is missing."""
    locked = ROOT / "requirements" / _PYTHON_PACKAGES[language]
    folder = _TOOLS / language
    if _is_new(folder, locked, sys.version):
        uv.run("venv", "--quiet", "--clear", "--python", sys.executable, str(folder))
        where = ("--quiet", "--python", str(folder / "bin" / "python"))
        uv.run("pip", "install", *where, "--require-hashes", "-r", str(locked))
        _stamp(folder, locked, sys.version)
    return folder


def _npm_packages() -> Path:
    locked, folder = _HERE / "typescript/package-lock.json", _TOOLS / "typescript"
    if _is_new(folder, locked):
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(locked.with_name(name), folder)
        _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _stamp(folder, locked)
    return folder


def _is_new(folder: Path, locked: Path, more: str = "") -> bool:
    stamp = folder / ".installed-from"
    return not stamp.exists() or stamp.read_text() != _digest(locked, more)


def _stamp(folder: Path, locked: Path, more: str = "") -> None:
    (folder / ".installed-from").write_text(_digest(locked, more))


def _digest(locked: Path, more: str) -> str:
    return hashlib.sha256(more.encode() + locked.read_bytes()).hexdigest()


def _require(*programs: str) -> None:
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        pytest.skip(f"{' and '.join(missing)} is not on the PATH, so no client was made in this language")


def _require_go_version(module: str) -> None:
    wanted = re.search(r"^go (\d+)\.(\d+)", module, re.MULTILINE)
    version = subprocess.run(["go", "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"go(\d+)\.(\d+)", version)
    assert wanted is not None
    if found is None or tuple(map(int, found.groups())) < tuple(map(int, wanted.groups())):
        pytest.skip(f"Go is {version.strip()}, and its generator needs {wanted.group()} or newer")


def _run(
    folder: Path, *command: str | Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command; fail with all that it wrote when it fails."""
    return run(list(map(str, command)), folder, env)


def run(
    command: Sequence[str], folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder; fail with all that it wrote when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(command[:6])} failed:\n{done.stdout}\n{done.stderr}"
    return done
