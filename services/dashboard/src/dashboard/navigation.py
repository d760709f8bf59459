"""The pages, their addresses, and how one leads to another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import streamlit as st

from dashboard.site import Site


@dataclass(frozen=True)
class PageInfo:
    """A page: `name` is its address, and a page without an icon is reached by links alone."""

    name: str
    title: str
    show: Callable[[Site], None]
    icon: str | None = None
    #: Whether the page is of use only where the viewer may act.
    acts: bool = False


_PAGES = "turnstile.pages"


def run(site: Site, pages: list[PageInfo]) -> None:
    """Show the page that the address names, with the navigation above it."""
    known = {}
    for info in pages:
        if info.acts and site.settings.read_only:
            continue
        known[info.name] = st.Page(
            _shown(info, site),
            title=info.title,
            icon=f":material/{info.icon}:" if info.icon else None,
            url_path=info.name,
            default=info is pages[0],
            visibility="visible" if info.icon else "hidden",
        )
    st.session_state[_PAGES] = known
    st.navigation(list(known.values()), position="top").run()


def open_page(name: str, query: Mapping[str, str]) -> None:
    """Go to another page; the way back leads here."""
    page = st.session_state.get(_PAGES, {}).get(name)
    if page is not None:
        st.switch_page(page, query_params=dict(query))


def _shown(info: PageInfo, site: Site) -> Callable[[], None]:
    def show() -> None:
        info.show(site)

    show.__name__ = info.name
    return show
