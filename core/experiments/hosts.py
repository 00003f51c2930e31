"""What the machines of an installation train on, as their last finished runs noted it."""

from sqlalchemy import func, select

from core.experiments.records import runs
from core.experiments.store import Store
from core.jobs.records import jobs


def devices_by_host(store: Store) -> dict[str, str]:
    """Name of the host, and the device of the last run that finished there; recorded results of
    other machines have no host."""
    over = (jobs.c.kind == "train") & (jobs.c.state == "finished") & jobs.c.host.is_not(None)
    last = select(jobs.c.host, func.max(jobs.c.finished_at).label("moment"))
    newest = last.where(over).group_by(jobs.c.host).subquery()
    wanted = (
        select(jobs.c.host, runs.c.result)
        .join(newest, (jobs.c.host == newest.c.host) & (jobs.c.finished_at == newest.c.moment))
        .join(runs, runs.c.id == jobs.c.id)
    )
    with store.database.reading() as connection:
        found = connection.execute(wanted).all()
    # A result that cannot be read has no device; nothing else is asked of it here.
    return {
        host: str(result["device"])
        for host, result in found
        if isinstance(result, dict) and result.get("device")
    }
