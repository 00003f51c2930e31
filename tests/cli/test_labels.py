import json

import pytest

from core.experiments.labels import change_labels
from core.experiments.store import open_store
from tests import made_up
from tests.stored_home import majority_spec


def test_experiments_are_named_tagged_and_put_away(home, no_showcase, type_it):  # noqa: ARG001
    first, second = (open_store().create_experiment(majority_spec()) for _ in range(2))
    assert type_it("experiments", "name", first, "Birds")[0] == 0
    assert type_it("experiments", "tag", first, "demo", "wings")[0] == 0
    assert type_it("experiments", "note", first, "**seen**")[0] == 0
    status, printed, _ = type_it("experiments", "archive", second, "--json")
    assert (status, json.loads(printed)[second]["archived"]) == (0, True)

    listed = json.loads(type_it("experiments", "list", "--json")[1])
    assert [entry["id"] for entry in listed] == [first]
    labels = {"name": "Birds", "note": "**seen**", "tags": ["demo", "wings"]}
    assert labels.items() <= listed[0]["labels"].items()
    assert len(json.loads(type_it("experiments", "list", "--archived", "--json")[1])) == 2
    assert json.loads(type_it("experiments", "list", "--tag", "other", "--json")[1]) == []

    assert type_it("experiments", "archive", second, "--undo")[0] == 0
    changes = json.loads(type_it("experiments", "history", second, "--json")[1])
    assert [(change["field"], change["value"]) for change in changes] == [
        ("archived", False),
        ("archived", True),
    ]


def test_nothing_is_changed_where_one_of_several_is_not_there(home, no_showcase, type_it):  # noqa: ARG001
    known = open_store().create_experiment(majority_spec())
    status, _, told = type_it("experiments", "pin", known, "zzzz")
    assert status == 2
    assert "There is no experiment named 'zzzz'" in told
    assert not open_store().experiment(known).labels.pinned


def test_removing_says_what_is_lost_and_can_be_taken_back(home, no_showcase, type_it):  # noqa: ARG001
    store = open_store()
    known = store.create_experiment(majority_spec())
    store.cancel_job(f"{known}-majority-0")
    status, _, asked = type_it("experiments", "remove", known)
    assert (status, "1 experiment with 1 run" in asked) == (2, True)
    assert type_it("experiments", "remove", known, "--yes")[0] == 0
    assert json.loads(type_it("experiments", "list", "--json")[1]) == []
    assert type_it("experiments", "remove", known, "--undo")[0] == 0
    assert len(json.loads(type_it("experiments", "list", "--json")[1])) == 1


def test_lists_have_an_owner_where_people_sign_in(home, no_showcase, type_it):  # noqa: ARG001
    store = open_store()
    (adas,) = store.create_experiments([majority_spec()], owner="ada@example.org")
    other = store.create_experiment(majority_spec())
    head, *lines = type_it("experiments", "list")[1].splitlines()
    assert head.split()[-1] == "owner"
    assert {line.split()[0]: line.split()[-1] for line in lines} == {
        adas: "ada@example.org",
        other: "-",
    }
    of_ada = ("experiments", "list", "--owner", "Ada@example.org")
    assert [line.split()[0] for line in type_it(*of_ada)[1].splitlines()] == ["id", adas]
    (listed,) = json.loads(type_it(*of_ada, "--json")[1])
    assert (listed["id"], listed["labels"]["owner"]) == (adas, "ada@example.org")
    head = type_it("experiments", "list", "--owner", "")[1].splitlines()[0]
    assert head.split()[-1] == "created"  # nobody signed in for these
    assert "started by: ada@example.org" in type_it("experiments", "show", adas)[1]


def test_what_people_wrote_is_shown_line_by_line(home, no_showcase, type_it):  # noqa: ARG001
    store = open_store()
    known = store.create_experiment(majority_spec())
    change_labels(store, known, "ada", name="Wings", tags=["a", "b"], note="# seen\n\x1b[2Jtwice")
    labels = change_labels(store, known, "ada", pinned=True, reviewed=True)
    shown = type_it("experiments", "show", known)[1].splitlines()
    assert shown[1:8] == [
        *("name: Wings", "tags: a, b", f"reviewed by: ada, {labels.reviewed_at[:10]}"),
        *("marked: pinned", "note:", "# seen", "?[2Jtwice"),
    ]


def test_what_broke_off_is_started_again(home, no_showcase, type_it, monkeypatch):  # noqa: ARG001
    def serve(store, _experiment_id, _say):
        while (job := store.claim_next("worker")) is not None:
            store.finish_run(job.id, made_up.result(0.5))

    monkeypatch.setattr("core.cli.run.run_to_end", serve)
    store = open_store()
    known = store.create_experiment(majority_spec(seeds=(0, 1)))
    store.request_cancel_experiment(known)
    status, printed, told = type_it("experiments", "resume", known)
    assert (status, f"experiment {known}: 2 runs started again" in told) == (0, True)
    assert "50.0 %" in printed
    assert {run.state for run in store.runs(known)} == {"finished"}
    status, _, told = type_it("experiments", "resume", known)
    assert (status, "has no run that could be started again" in told) == (2, True)


@pytest.mark.parametrize("verb", ["remove", "drop-weights"])
def test_what_would_be_deleted_is_said_with_its_size(home, no_showcase, type_it, verb):  # noqa: ARG001
    store = open_store()
    known = store.create_experiment(majority_spec())
    store.request_cancel_experiment(known)
    status, _, told = type_it("experiments", verb, known)
    assert (status, "0 MB" in told, "Add --yes to do it" in told) == (2, True, True)
