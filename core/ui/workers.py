"""The page Workers: who serves the queue and what each runs, how much waits, and this server."""

import streamlit as st

from core.experiments.hosts import devices_by_host
from core.jobs.kinds import Pool, find_kind
from core.jobs.overview import PoolStatus, QueueOverview, WorkerStatus, overview
from core.jobs.progress import NO_TRAINER, progress_text
from core.jobs.records import JobRecord
from core.operations.check import Check
from core.operations.doctor import check_installation
from core.settings import current_settings
from core.text import count_text, escape_markdown, rough_seconds_text, shorten
from core.ui.frame import reads
from core.ui.frame.access import may_edit
from core.ui.frame.errors import error_box
from core.ui.frame.page import link_to

# A beat comes every four seconds: more often would show nothing new, and the page would flicker.
REFRESH_SECONDS = 5.0
CHECKED_SECONDS = 30
# Pixels: two numbers fit a telephone of 390, two workers stand side by side in 1280.
POOL_WIDTH, WORKER_WIDTH = 150, 520
LONGEST_NAME = 60
POOLS: dict[Pool, str] = {
    "device": "Training",
    "import": "Imports",
    "cpu": "Maps and exports",
    "live": "Live answers",
}
ICONS = {
    "ok": ":green[:material/check_circle:]",
    "note": ":gray[:material/info:]",
    "problem": ":red[:material/error:]",
}


def show_workers() -> None:
    """All of the page below its title, asking again every few seconds."""
    st.fragment(_live, run_every=REFRESH_SECONDS)()


def _live() -> None:
    with error_box():
        found = overview(reads.store())
        st.header("The queue")
        with st.container(horizontal=True, gap="small"):
            for pool in found.pools:
                _show_pool(pool)
        st.header("Who serves it")
        _show_missing(found)
        devices = devices_by_host(reads.store()) if found.workers else {}
        with st.container(horizontal=True, gap="small"):
            for one in found.workers:
                _show_worker(one, devices.get(one.worker.host))
    if may_edit():
        _show_checks()


def _show_pool(pool: PoolStatus) -> None:
    with st.container(width=POOL_WIDTH):
        st.metric(
            POOLS[pool.name],
            f"{pool.waiting:,} waiting",
            f"{pool.running:,} at work",
            delta_color="off",
            delta_arrow="off",
        )


def _show_missing(found: QueueOverview) -> None:
    if found.abandoned:
        named = count_text(len(found.abandoned), "job")
        verb = "counts" if len(found.abandoned) == 1 else "count"
        st.warning(
            f"{named} {verb} as running without a worker. The next worker that looks marks what "
            "was lost as interrupted; where machines share the database, it is started again.",
            icon=":material/warning:",
        )
    if found.lacks_trainer:
        st.warning(f"What waits under {POOLS['device']}: {NO_TRAINER}.", icon=":material/warning:")
    elif not found.workers:
        st.info(
            "No worker is here. Headstart starts one when a run or an import is queued, and it "
            "ends after five idle minutes.",
            icon=":material/bedtime:",
        )
        link_to("benchmark", "Benchmark a dataset")


def _show_worker(one: WorkerStatus, device: str | None) -> None:
    worker = one.worker
    with st.container(border=True, width=WORKER_WIDTH, gap="xsmall"):
        host = escape_markdown(shorten(worker.host, LONGEST_NAME))
        beat = rough_seconds_text(one.silent_seconds) if one.is_silent else "a moment"
        mark = ":red-badge[silent]" if one.is_silent else ":green-badge[alive]"
        slot = f", device {escape_markdown(worker.device)}" if worker.device else ""
        st.markdown(f"**{host}**{slot}, process {worker.process_id} {mark}")
        device = worker.device_kind or device
        known = escape_markdown(device) if device else "not known before its first finished run"
        serves = (
            f"the jobs of {escape_markdown(worker.group_id)}"
            if worker.group_id
            else "the whole queue"
        )
        since = worker.started_at[:16].replace("T", " ")
        st.caption(
            f"Device: {known}  \nLast beat: {beat} ago · here since {since} UTC · serves {serves}"
        )
        for job in one.at_work:
            _show_job(job)
        if not one.at_work:
            st.markdown("Waits for work.")


def _show_job(job: JobRecord) -> None:
    noun = find_kind(job.kind).noun
    fraction = job.progress.fraction if job.progress else 0.0
    what = f"**{noun.capitalize()}** {escape_markdown(shorten(job.id, LONGEST_NAME))}"
    st.markdown(what)
    st.progress(fraction, text=escape_markdown(progress_text(job.progress)))
    if job.kind == "train" and job.group_id:
        link_to("watch", "Watch it learn", experiment=job.group_id)


def _show_checks() -> None:
    """The quick checks of this server, for those who may do something about them."""
    st.header("This server")
    settings = current_settings()
    for check in _checks(str(settings.home), settings.database_url):
        sentence = escape_markdown(f"{check.found} {check.to_do}".strip())
        st.markdown(f"{ICONS[check.state]} **{check.name.capitalize()}**: {sentence}")
    st.caption("On the command line, `python -m core doctor` checks more.")


@st.cache_data(max_entries=4, ttl=CHECKED_SECONDS, show_spinner=False)
def _checks(home: str, database_url: str) -> list[Check]:
    return check_installation(quick=True)
