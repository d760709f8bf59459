"""The script that Streamlit runs for every viewer and every change: pages and their navigation, no more."""

from dashboard import frame, navigation
from dashboard.navigation import PageInfo
from dashboard.site import current_site
from dashboard.views import (
    job,
    jobs,
    lock,
    locks,
    overview,
    proof,
    quarantine,
    schedule,
    schedules,
    submit,
    workers,
)

_PAGES = [
    PageInfo("overview", "Overview", overview.show, "monitoring"),
    PageInfo("jobs", "Jobs", jobs.show, "list_alt"),
    PageInfo("job", "Job", job.show),
    PageInfo("locks", "Locks", locks.show, "lock"),
    PageInfo("lock", "Lock", lock.show),
    PageInfo("workers", "Workers", workers.show, "dns"),
    PageInfo("schedules", "Schedules", schedules.show, "schedule"),
    PageInfo("schedule", "Schedule", schedule.show),
    PageInfo("proof", "Proof", proof.show, "verified_user"),
    PageInfo("quarantine", "Quarantine", quarantine.show, "gpp_maybe"),
    PageInfo("submit", "Submit", submit.show, "add_circle", acts=True),
]

frame.configure()
navigation.run(current_site(), _PAGES)
