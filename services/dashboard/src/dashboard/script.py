"""The script that Streamlit runs for every viewer and every change: pages and their navigation, no more."""

from dashboard import frame, navigation
from dashboard.navigation import PageInfo
from dashboard.site import current_site
from dashboard.views import overview

_PAGES = [
    PageInfo("overview", "Overview", overview.show, "monitoring"),
]

frame.configure()
navigation.run(current_site(), _PAGES)
