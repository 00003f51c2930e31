import json

from core.experiments.store import open_store
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
