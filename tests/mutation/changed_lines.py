"""Which lines of the product were changed since a commit."""

import re
import subprocess

from tests.mutation.packages import ROOT

_HUNK = re.compile(r"^@@ -\S+ \+(\d+)(?:,(\d+))? @@", re.MULTILINE)


def lines_changed_since(commit: str) -> dict[str, list[range]]:
    """Return the changed lines by file, from the root. Raises CalledProcessError for an unknown commit."""
    command = ["git", "diff", "--unified=0", "--no-color", commit, "--", "libs", "services"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    changed: dict[str, list[range]] = {}
    for part in re.split(r"^diff --git ", said, flags=re.MULTILINE)[1:]:
        name = re.search(r"^\+\+\+ b/(.+)$", part, re.MULTILINE)
        if name is not None:
            # Where lines were only removed, the ones before and after count.
            spans = [(int(first), int(count or 1)) for first, count in _HUNK.findall(part)]
            changed[name[1]] = [range(max(a, 1), a + max(n, 2)) for a, n in spans]
    return changed


def last_change() -> str:
    """Return the commit to compare with: the last one, or the one before when nothing was changed since."""
    command = ["git", "status", "--porcelain", "--", "libs", "services"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return "HEAD" if said.strip() else "HEAD~1"
