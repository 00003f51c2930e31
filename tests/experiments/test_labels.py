import pytest

from core.errors import BadInput
from core.experiments.labels import (
    Labels,
    OwnSlice,
    change_labels,
    change_several,
    changes,
    history,
)
from core.experiments.store import Store
from tests.stored_home import majority_spec


@pytest.fixture
def experiment_id(arrows_store: Store) -> str:
    return arrows_store.create_experiment(majority_spec())


def test_an_experiment_that_nobody_named_has_no_labels(store, experiment_id):
    assert store.experiment(experiment_id).labels == Labels()
    assert history(store, experiment_id) == []


def test_what_was_written_last_counts_and_every_change_is_kept(store, experiment_id):
    change_labels(store, experiment_id, "ada", name="  Birds ", tags=["wings", "demo", "wings"])
    now = change_labels(store, experiment_id, "bob", name="Birds", note="# seen", archived=True)
    assert now == Labels("Birds", "# seen", ("wings", "demo"), archived=True)
    assert store.experiment(experiment_id).labels == now
    assert [each.labels for each in store.experiments()] == [now]
    # The name was the same the second time, so it is no change.
    assert [
        (each.changed_by, each.field, each.value) for each in history(store, experiment_id)
    ] == [
        ("bob", "archived", True),
        ("bob", "note", "# seen"),
        ("ada", "tags", ["wings", "demo"]),
        ("ada", "name", "Birds"),
    ]


def test_the_owner_is_stored_with_the_experiment(arrows_store):
    (one,) = arrows_store.create_experiments([majority_spec()], owner="ada@example.org")
    change_labels(arrows_store, one, "bob", name="Birds")
    assert arrows_store.experiment(one).labels == Labels("Birds", owner="ada@example.org")
    changes = [(each.changed_by, each.field) for each in history(arrows_store, one)]
    assert changes == [("bob", "name"), ("ada@example.org", "owner")]


def test_which_one_it_repeats_is_stored_with_the_experiment(arrows_store):
    (one,) = arrows_store.create_experiments([majority_spec()], repeats="cccc3333")
    assert arrows_store.experiment(one).labels == Labels(repeats="cccc3333")


def test_who_reviewed_it_is_known_until_it_is_a_draft_again(store, experiment_id):
    now = change_labels(store, experiment_id, "ada", reviewed=True)
    assert (now.reviewed, now.reviewed_by) == (True, "ada")
    assert now.reviewed_at == history(store, experiment_id)[0].changed_at
    assert now.review == f"ada, {now.reviewed_at[:10]}"
    change_labels(store, experiment_id, "bob", reviewed=True, name="Birds")
    assert store.experiment(experiment_id).labels.reviewed_by == "ada"  # bob changed nothing of it
    assert change_labels(store, experiment_id, "bob", reviewed=False) == Labels("Birds")
    assert store.experiment(experiment_id).labels.review == ""


def test_several_are_changed_all_or_none(arrows_store, experiment_id):
    other = arrows_store.create_experiment(majority_spec())
    now = change_several(arrows_store, [experiment_id, other, other], "ada", archived=True)
    assert now == dict.fromkeys((experiment_id, other), Labels(archived=True))
    assert len(history(arrows_store, other)) == 1
    change_labels(arrows_store, other, "ada", tags=["wings"])
    with pytest.raises(BadInput, match="A tag has 1 to 32 letters"):
        change_several(arrows_store, [experiment_id, other], "ada", archived=False, tags=["a,b"])
    assert all(one.labels.archived for one in arrows_store.experiments())


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": "two\nlines"}, "A name is one line of at most 80 letters"),
        ({"name": "x" * 81}, "A name is one line of at most 80 letters"),
        ({"note": "x" * 10_001}, "A note has at most 10,000 letters"),
        ({"tags": ["a,b"]}, "A tag has 1 to 32 letters and no comma"),
        ({"tags": [" "]}, "A tag has 1 to 32 letters and no comma"),
        ({"tags": [str(number) for number in range(13)]}, "at most 12 tags, not 13"),
        ({"slices": [{"name": " ", "parts": ["class.0"]}]}, "A slice has a name of 1 to 80"),
        ({"slices": [{"name": "dark", "parts": []}]}, "A slice has a name of 1 to 80"),
        ({"slices": [{"name": "dark", "parts": ["a"]}] * 2}, "each with another name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_no_label_is_refused_and_nothing_is_stored(store, experiment_id, given, words):
    with pytest.raises(BadInput, match=words):
        change_labels(store, experiment_id, "ada", pinned=True, **given)
    assert history(store, experiment_id) == []


def test_a_damaged_value_counts_as_not_given(store, experiment_id):
    change_labels(store, experiment_id, "ada", name="Birds", tags=["wings"])
    with store.database.writing() as connection:
        own = changes.update().where(changes.c.field == "tags")
        connection.execute(own.values(value={"no": "list"}))
    assert store.experiment(experiment_id).labels == Labels("Birds")


def test_slices_are_kept_as_they_were_named(store, experiment_id):
    dark = {"name": " dark ", "parts": ["class.0", "brightness.0"]}
    now = change_labels(store, experiment_id, "ada", slices=[dark])
    assert now.slices == (OwnSlice("dark", ("class.0", "brightness.0")),)
    assert store.experiment(experiment_id).labels == now
    change_labels(store, experiment_id, "ada", slices=now.slices)
    assert len(history(store, experiment_id)) == 1
    assert change_labels(store, experiment_id, "ada", slices=()).slices == ()
