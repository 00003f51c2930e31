"""Workers: who is there, what each runs, what waits, and what viewers are spared."""

from datetime import timedelta
from unittest.mock import Mock

import pytest

from core.experiments.hosts import devices_by_host
from core.experiments.store import Store, open_store
from core.jobs.progress import Progress
from core.jobs.records import NewJob
from core.jobs.workers import utc_now
from core.operations.check import Check
from core.ui import workers
from core.ui.frame import access, reads
from tests import made_up
from tests.pages.conftest import links, open_cold, open_routed, words


@pytest.fixture
def store(empty_home) -> Store:  # noqa: ARG001 - sets the home
    workers._checks.clear()
    return open_store()


@pytest.fixture
def experiment_id(store: Store) -> str:
    return store.create_experiment(
        made_up.spec(strategies=(("majority", {}), ("cnn", {})), seeds=(0,))
    )


def numbers(app):
    return {metric.label: (metric.value, metric.delta) for metric in app.metric}


def test_a_worker_with_its_run_its_device_and_what_waits(store: Store, experiment_id: str) -> None:
    store.register_worker("here", 4242)
    done = store.claim_next("here")
    store.finish_run(done.id, made_up.result(0.5, device="eight *test* cores"))
    assert devices_by_host(store) == {store.host: "eight *test* cores"}
    run = store.claim_next("here")
    store.set_progress(run.id, Progress("Training", 30, 60, epoch=2, epochs=4))
    store.add_job(NewJob("map", "feature_map", {}))
    app = open_cold("workers")
    assert not app.exception
    assert numbers(app) == {
        "Training": ("0 waiting", "1 at work"),
        "Imports": ("0 waiting", "0 at work"),
        "Maps and exports": ("1 waiting", "0 at work"),
        "Live answers": ("0 waiting", "0 at work"),
    }
    text = words(app)
    assert ", process 4242 :green-badge[alive]" in text
    assert "Device: eight \\*test\\* cores  \nLast beat: a moment ago" in text
    assert f"**Run** {experiment_id}\\-cnn\\-" in text
    (bar,) = app.get("progress")
    assert bar.proto.text == "Training · epoch 2 of 4 · 30 of 60 images"
    assert links(app)["Watch it learn"][1] == f"experiment={experiment_id}"


def test_a_silent_worker_and_a_job_without_one(
    store: Store, experiment_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.register_worker("gone", 1)
    store.claim_next("gone")
    later = Store(store.url, now=lambda: utc_now() + timedelta(seconds=185))
    monkeypatch.setattr(reads, "store", Mock(return_value=later))
    text = words(open_cold("workers"))
    assert ":red-badge[silent]" in text
    assert "Last beat: 3 min ago" in text
    assert "not known before its first finished run" in text
    store.forget_worker("gone")
    text = words(open_cold("workers"))
    assert "1 job counts as running without a worker." in text
    assert "No worker is here." in text
    assert experiment_id


def test_the_checks_of_the_server_are_for_editors(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.reap_expired()
    found = [Check("disk", "problem", "The disk has 3 MB free.", "Make *room*.")]
    monkeypatch.setattr(workers, "check_installation", Mock(return_value=found))
    text = words(open_cold("workers"))
    assert ":material/error:] **Disk**: The disk has 3 MB free\\. Make \\*room\\*\\." in text
    monkeypatch.setattr(
        access, "visitor", lambda: access.Visitor(access.Role.VIEWER, email="vera@example.org")
    )
    text = words(open_cold("workers"))
    assert "This server" not in text
    assert "3 MB free" not in text


def test_watch_leads_here_and_the_menu_does_not_have_it(experiment_id: str) -> None:
    assert "Workers" in links(open_routed("watch", experiment=experiment_id))
    assert links(open_routed("workers"))["Back to the runs"][0].startswith("watch")
