"""``workers`` and ``doctor`` as the shell calls them."""

import json
from pathlib import Path

import pytest

from core.experiments.store import Store, open_store
from core.jobs.records import NewJob
from tests import made_up
from tests.cli.conftest import TypeIt

pytestmark = pytest.mark.usefixtures("home", "no_showcase")


def test_workers_are_listed_with_what_they_run(type_it: TypeIt, store: Store) -> None:
    assert type_it("workers")[1].startswith("No worker is there; a page starts one")
    store.add_job(NewJob("map-1", "feature_map", {}))
    store.register_worker("host-7", 7)
    store.claim_next("host-7")
    status, out, _ = type_it("workers")
    assert status == 0
    worker = out.splitlines()[1].split()
    assert (worker[0], worker[2:4], worker[-1]) == ("host-7", ["-", "7"], "map-1")
    document = json.loads(type_it("workers", "--json")[1])
    assert document["workers"][0]["at_work"] == [{"id": "map-1", "kind": "feature_map"}]
    assert {pool["name"]: pool["running"] for pool in document["pools"]}["cpu"] == 1
    store.forget_worker("host-7")
    assert "1 job without a worker" in type_it("workers")[1]


def test_the_doctor_prints_a_line_a_check_and_its_status(
    type_it: TypeIt, home: Path, store: Store
) -> None:
    store.reap_expired()  # the database is there
    status, out, _ = type_it("doctor", "--quick")
    assert status == 0
    assert [line.split()[1] for line in out.splitlines()] == [
        *("home", "disk", "database", "clock", "worker")
    ]
    home.chmod(0o757)
    status, out, _ = type_it("doctor", "--quick")
    assert status == 1
    assert out.splitlines()[0].startswith("problem  home      Every user of this machine")
    assert f"Run: chmod o-w {home}" in out
    status, out, _ = type_it("doctor", "--quick", "--json")
    assert status == 1
    assert json.loads(out)[0]["state"] == "problem"


def test_a_backup_is_made_and_a_home_of_it(
    type_it: TypeIt, home: Path, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = store.create_experiment(made_up.spec())
    monkeypatch.setenv("HEADSTART_EDITORS", "ana@example.org")
    status, out, _ = type_it("backup", str(tmp_path / "b.tar"))
    assert status == 0
    assert out.startswith(f"{tmp_path / 'b.tar'}: ")
    assert type_it("backup", str(tmp_path / "b.tar"))[0] == 2
    status, _, err = type_it("restore", str(tmp_path / "b.tar"))
    assert status == 2
    assert f"{home} is not empty" in err
    monkeypatch.setenv("HEADSTART_HOME", str(tmp_path / "new"))
    status, out, err = type_it("restore", str(tmp_path / "b.tar"))
    assert status == 0
    assert err.startswith("A backup of Headstart ")
    assert "  HEADSTART_EDITORS=ana@example.org" in out
    assert [one.id for one in open_store().experiments()] == [experiment_id]
    status, out, _ = type_it("backup", str(tmp_path / "c.tar"), "--json")
    assert (status, json.loads(out)["left_out"]) == (0, [])
