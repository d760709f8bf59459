"""Compiling Jaeger and the Collector: what is asked of Go, and what is left when it fails."""

import re

import pytest
import yaml
from deploy import ROOT
from deploy.errors import InstallError
from deploy.observers import compiling
from deploy.observers.__main__ import main

#: Stands in for Go: notes how it was called, and makes what it is asked for.
_GO = """#!/bin/sh
echo "$@" >> {notes}
case "$1" in
  build) while [ "$1" != -o ]; do shift; done; echo jaeger > "$2" ;;
  install) printf '#!/bin/sh\\nmkdir out; cp parts.yaml out/otelcol-contrib\\n' > "$GOBIN/builder"
    chmod +x "$GOBIN/builder" ;;
esac
"""


@pytest.fixture
def go(tmp_path, monkeypatch):
    """Replace Go; returns a function that gives it a text, and the file that has its calls."""
    programs, notes = tmp_path / "programs", tmp_path / "notes"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")

    def write(text=_GO):
        (programs / "go").write_text(text.format(notes=notes))
        (programs / "go").chmod(0o755)
        return notes

    return write


def test_both_are_compiled_once(go, tmp_path, capsys):
    notes, folder = go(), tmp_path / "cache" / "observers"
    assert main([str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["jaeger", "otelcol-contrib"]
    assert f"get -tool {compiling.JAEGER}/cmd/jaeger@{compiling.JAEGER_VERSION}" in notes.read_text()
    assert capsys.readouterr().out.splitlines()[-1] == str(folder)
    notes.unlink()
    assert main([str(folder)]) == 0
    assert not notes.exists()


def test_a_failed_compilation_says_what_go_said_and_leaves_nothing(go, tmp_path, capsys):
    go("#!/bin/sh\necho no such module >&2\n[ $1 = mod ]\n")
    assert main([str(tmp_path / "cache")]) == 1
    assert "ended with 1:\nno such module" in capsys.readouterr().err
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_go_the_message_says_how_to_go_on(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InstallError, match=r"Go, 1\.26 or newer, which is not installed.*RUNTIME=docker"):
        compiling.compile_missing(tmp_path)


def test_the_collector_gets_every_part_that_its_configuration_uses():
    used = yaml.safe_load((ROOT / "grafana/collector.yaml").read_text())
    parts = yaml.safe_load(compiling.collector_parts())
    for kind in ("extensions", "receivers", "processors", "exporters"):
        modules = " ".join(part["gomod"] for part in parts[kind])
        compiled = {
            name for name, _ in re.findall(r"/(\w+?)(extension|receiver|processor|exporter) v", modules)
        }
        # A component's name is its type, and perhaps a name of its own after a slash.
        wanted = {name.partition("/")[0].replace("_", "") for name in used.get(kind, {})}
        assert wanted <= compiled, kind


@pytest.mark.parametrize("environment", [{"XDG_CACHE_HOME": "/caches"}, {}])
def test_the_folder_names_the_versions(environment):
    folder = compiling.default_folder(environment)
    assert folder.name == f"observers-{compiling.JAEGER_VERSION}-{compiling.COLLECTOR_VERSION}"
    assert folder.is_absolute()
