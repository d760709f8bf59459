"""Builds the documentation into site/ with tools in .tools; with --serve, shows it on this machine."""

import argparse
import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from deploy import ROOT
from deploy.errors import InstallError
from deploy.install import system_packages, uv

_ENVIRONMENT = ROOT / ".tools" / "docs"
_LOCKED = ROOT / "requirements/docs.txt"
_STAMP = _ENVIRONMENT / ".installed-from"

# The script that draws diagrams. It is the only file of the package that is needed.
_MERMAID = ROOT / ".tools" / "mermaid.min.js"
_MERMAID_VERSION = "11.17.2"
_MERMAID_SHA512 = "V6K3C8EBdEsPFZXSKMJe6ppQOENxuHARr9GvHX4hh47lAbhMRD9qf4oEK7LoaRQxULMa80/qt5gHO73aCleBBg=="

_ADDRESS = "127.0.0.1:8001"


def main() -> int:
    """Build the site and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.documentation.site", description=__doc__)
    parser.add_argument("--serve", action="store_true", help="then show the site on this machine")
    serve = parser.parse_args().serve
    try:
        _install_mkdocs()
        _install_mermaid()
        _mkdocs("build", "--clean")
        if serve:
            _mkdocs("serve", "--dev-addr", _ADDRESS)
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode
    except KeyboardInterrupt:
        return 0
    print(f"The documentation is in {ROOT / 'site'}.")
    return 0


def _mkdocs(*arguments: str) -> None:
    # MkDocs Material announces its successor at every call otherwise.
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    command = [str(_ENVIRONMENT / "bin" / "mkdocs"), *arguments]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def _install_mkdocs() -> None:
    wanted = hashlib.sha256(f"{sys.version} {ROOT}".encode() + _LOCKED.read_bytes()).hexdigest()
    if _STAMP.exists() and _STAMP.read_text() == wanted:
        return
    print("Installing MkDocs into .tools/docs ...", flush=True)
    uv.run("venv", "--quiet", "--clear", "--python", sys.executable, str(_ENVIRONMENT))
    python = ("--python", str(_ENVIRONMENT / "bin" / "python"))
    uv.run("pip", "install", "--quiet", *python, "--require-hashes", "-r", str(_LOCKED))
    _STAMP.write_text(wanted)


def _install_mermaid() -> None:
    stamp = _MERMAID.with_suffix(".version")
    if _MERMAID.exists() and stamp.exists() and stamp.read_text() == _MERMAID_VERSION:
        return
    print("Fetching Mermaid ...", flush=True)
    if not shutil.which("npm"):
        system_packages.install("nodejs", "npm")
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", f"mermaid@{_MERMAID_VERSION}", "--silent", "--pack-destination", folder]
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        (package,) = Path(folder).iterdir()
        digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
        if digest != _MERMAID_SHA512:
            message = f"Mermaid {_MERMAID_VERSION} is not the expected file: its SHA-512 is {digest}."
            raise InstallError(message)
        with tarfile.open(package) as archive:
            script = archive.extractfile("package/dist/mermaid.min.js")
            assert script is not None
            _MERMAID.write_bytes(script.read())
    stamp.write_text(_MERMAID_VERSION)


if __name__ == "__main__":
    raise SystemExit(main())
