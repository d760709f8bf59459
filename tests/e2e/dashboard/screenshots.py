"""Takes the pictures of the dashboard that the README and the documentation show: `make screenshots`."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from deploy import ROOT
from tests.e2e.dashboard.browsers import chromium
from tests.e2e.dashboard.gallery import Gallery, on_show
from tests.e2e.dashboard.tab import DARK, LIGHT, PHONE, Look
from tests.e2e.dashboard.windows import lone_tab

_FOLDER = ROOT / "docs" / "assets"

#: Name of the picture, how the viewer sees it, the page, and its query.
_PICTURES: tuple[tuple[str, Look, str, Callable[[Gallery], dict[str, str]]], ...] = (
    ("overview", LIGHT, "", lambda _: {}),
    ("overview-phone", PHONE, "", lambda _: {}),
    ("jobs", DARK, "jobs", lambda _: {}),
    ("job", LIGHT, "job", lambda gallery: {"id": gallery.taken_over.id}),
    ("lock", LIGHT, "lock", lambda gallery: {"lock": gallery.taken_over.lock}),
    ("proof", DARK, "proof", lambda gallery: {"lock": gallery.taken_over.lock}),
)

#: Pages refresh until then, and a check of a few jobs is over.
_SETTLE_MS = 8_000


def main() -> int:
    """Take the pictures; return 1 when a page complains."""
    complaints = []
    with (
        tempfile.TemporaryDirectory() as folder,
        on_show(Path(folder)) as (_, gallery, dashboard),
        chromium() as browser,
    ):
        for picture, look, path, query in _PICTURES:
            tab = lone_tab(browser, dashboard.url, look).open(path, **query(gallery))
            tab.page.wait_for_timeout(_SETTLE_MS)
            target = _FOLDER / f"dashboard-{picture}.png"
            tab.page.screenshot(path=target, animations="disabled")
            print(f"{target.relative_to(ROOT)}: {target.stat().st_size // 1024} KiB")
            complaints += tab.complaints
            tab.close()
    print("\n".join(complaints), file=sys.stderr)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
