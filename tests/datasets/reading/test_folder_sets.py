"""Copies are left out once, and a set beside its twin is the split."""

from core.datasets.reading_choice import Choice
from tests.datasets.reading.offered import counts, offers, subsets, taken, tree


def test_the_same_files_in_two_sets_count_once():
    own = tree("natural_images/", "car cat")
    found = taken(own | {f"data/{path}": data for path, data in own.items()})
    assert counts(found) == {"car": 3, "cat": 3}
    assert found.listing.notes == ["Left out: 6 files in data that are in natural_images as well."]


def test_the_same_class_folders_again():
    own = tree("pets/", "cats dogs")
    found = taken(own | {f"pets/{path}": data for path, data in own.items()})
    assert counts(found) == {"cats": 3, "dogs": 3}
    assert found.listing.notes == [
        "Left out: 6 files in pets/pets that are in the folders beside it as well."
    ]


def test_other_images_in_the_same_class_folders_again_are_asked_about():
    together, alone = offers(tree("", "cats dogs") | tree("pets/", "cats dogs"))
    assert counts(together) == {"cats": 6, "dogs": 6}
    assert counts(alone) == {"cats": 3, "dogs": 3}
    assert alone.choice == Choice(classes_from="folders:1", leave_out=("pets",))


def test_only_the_files_that_are_copies_are_left_out():
    own = tree("a/", "cats dogs", 4)
    more = {path.replace("a/", "b/"): data for path, data in own.items()}
    found = offers(own | more | tree("b/", "cats dogs", 2, "new{n}.png"))
    assert counts(found[0]) == {"cats": 6, "dogs": 6}
    assert found[0].listing.notes == ["Left out: 8 files in b that are in a as well."]


def test_folds_with_the_same_images_leave_the_split_of_the_first():
    images = tree("", "cat dog", 6)
    folds = {
        f"fold{fold}/{'test' if at % 3 == fold else 'train'}/{path}": data
        for fold in (0, 1, 2)
        for at, (path, data) in enumerate(images.items())
    }
    found = taken(folds)
    assert counts(found) == {"cat": 6, "dog": 6}
    assert subsets(found) == {"train": 8, "test": 4}
    assert "in fold1, fold2 that are in fold0 as well" in found.listing.notes[0]


def test_copies_in_train_and_test_stay():
    train = tree("train/", "cat dog")
    test = {path.replace("train", "test"): data for path, data in train.items()}
    assert subsets(taken(train | test)) == {"train": 6, "test": 6}


def test_a_set_named_for_testing_beside_its_twin():
    sets = tree("rps/", "paper rock", 5) | tree("rps-test-set/", "paper rock", 2)
    flat = tree("", "rps-validation", 4, "h{n}x.png")
    found = taken(sets | flat)
    assert counts(found) == {"paper": 7, "rock": 7}
    assert subsets(found) == {"train": 10, "test": 4}
    assert "Left out: 4 files in rps-validation" in found.listing.notes[0]


def test_class_folders_beside_a_folder_for_testing():
    found = taken(tree("", "cats dogs", 5) | tree("test/", "cats dogs", 2))
    assert subsets(found) == {"train": 10, "test": 4}
