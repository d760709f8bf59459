"""Files have the line ends of Unix in every clone: a script with others is no program in a container."""

from deploy import ROOT


def test_git_leaves_line_ends_as_they_are_committed() -> None:
    attributes = (ROOT / ".gitattributes").read_text().splitlines()
    assert "* text=auto eol=lf" in attributes


def test_what_containers_execute_has_the_line_ends_of_unix() -> None:
    for name in ("deploy/healthcheck.py", "deploy/Dockerfile", "compose.yaml", "Makefile"):
        assert b"\r" not in (ROOT / name).read_bytes()
