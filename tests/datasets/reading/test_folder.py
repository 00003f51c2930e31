"""Folders: links in them, and where these may lead."""

import pytest

from core.datasets.add import add_dataset
from core.datasets.reading import folder as folder_room
from core.datasets.reading import raw_files
from core.datasets.reading.sources import open_source
from core.datasets.reading_choice import Choice
from core.errors import BadInput, Cancelled
from tests.datasets.bad_inputs.making import reasons, write_folder
from tests.datasets.pictures import noise_png, two_classes

pytestmark = pytest.mark.usefixtures("home")


def link_classes(root, originals):
    """Class folders of links to the images of a flat folder."""
    for number, name in enumerate(sorted(originals)):
        link = root / ("cats" if number % 2 else "dogs") / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(originals[name])


def flat(root, count=6):
    write_folder(root, {f"{number}.png": noise_png(number) for number in range(count)})
    return {path.name: path for path in sorted(root.iterdir())}


def test_links_inside_a_folder_are_files_and_their_targets_count_once(tmp_path):
    root = tmp_path / "pets"
    link_classes(root, flat(root / "originals"))
    dataset = add_dataset(root)
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.notes == ("6 files to which links in other folders lead: listed there.",)


def test_a_link_beside_its_file_is_one_more_name_of_it(tmp_path):
    root = write_folder(tmp_path / "icons", two_classes())
    (root / "cats/again.png").symlink_to("0.png")
    assert add_dataset(root).class_counts == {"cats": 4, "dogs": 3}


def test_links_that_a_user_made_to_files_elsewhere_are_followed(tmp_path):
    link_classes(tmp_path / "pets", flat(tmp_path / "photos"))
    dataset = add_dataset(tmp_path / "pets")
    assert dataset.class_counts == {"cats": 3, "dogs": 3}
    assert dataset.health.quarantined == ()


def test_class_folders_that_are_links(tmp_path):
    write_folder(tmp_path / "photos", two_classes())
    (tmp_path / "pets").mkdir()
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).symlink_to(tmp_path / "photos" / name)
    assert add_dataset(tmp_path / "pets").class_counts == {"cats": 3, "dogs": 3}


def test_a_link_to_a_folder_beside_it_counts_once(tmp_path):
    root = write_folder(tmp_path / "pets", two_classes(prefix="v2/"))
    (root / "latest").symlink_to(root / "v2")
    with open_source(root) as listing:
        paths = sorted(raw.path for raw in listing.files)
    assert paths == sorted(two_classes(prefix="latest/"))


def test_what_pages_may_add_does_not_lead_elsewhere(home, tmp_path):
    """Whoever may put files there may not be allowed to read those of others."""
    inbox = home / "inbox"
    secret = flat(tmp_path / "secret")
    link_classes(inbox / "pets", secret)
    with pytest.raises(BadInput, match=r"cats/1\.png and 5 more: links that lead out"):
        add_dataset(inbox / "pets")
    (inbox / "all").symlink_to(tmp_path / "secret")
    write_folder(inbox / "dogs", two_classes())
    link_classes(inbox / "dogs/more", flat(inbox / "shared"))
    dataset = add_dataset(inbox / "dogs", choice=Choice(classes_from="folders:2"))
    assert dataset.health.quarantined == ()


def test_links_that_go_round_end(tmp_path):
    root = write_folder(tmp_path / "pets", two_classes())
    (root / "cats/up").symlink_to(root)
    (root / "dogs/cats").symlink_to(root / "cats")
    (root / "cats/dogs").symlink_to(root / "dogs")
    (root / "dogs/9.png").symlink_to("9.png")
    dataset = add_dataset(root)
    assert set(dataset.class_counts) == {"cats", "dogs"}
    ((file, reason),) = dataset.health.quarantined
    assert reason == folder_room.LEADS_NOWHERE
    assert file.endswith(" more")


def test_a_tree_too_deep_is_refused_and_the_rest_read(tmp_path):
    deep = "/".join(["deep"] * 40)
    root = write_folder(tmp_path / "pets", two_classes() | {f"{deep}/x.png": noise_png(9)})
    dataset = add_dataset(root)
    assert dataset.image_count == 6
    assert list(reasons(dataset).values()) == ["more than 20 folders deep"]


def test_too_many_folders_without_files(tmp_path, monkeypatch):
    monkeypatch.setattr(raw_files, "MOST_FILES", 5)
    for number in range(6):
        (tmp_path / "pets" / str(number)).mkdir(parents=True)
    write_folder(tmp_path / "pets/6", {"0.png": b""})
    with pytest.raises(BadInput, match="more than 5 files, which is the limit"):
        add_dataset(tmp_path / "pets")


def test_a_cancel_is_heard_while_a_folder_is_listed(tmp_path):
    write_folder(tmp_path / "pets", two_classes())
    with pytest.raises(Cancelled):
        add_dataset(tmp_path / "pets", should_stop=lambda: True)


def test_a_file_that_is_moved_away_while_the_folder_is_listed_is_told(tmp_path):
    root = write_folder(tmp_path / "pets", two_classes() | {"notes.txt": b"moved"})

    def moved_once_the_folder_was_listed() -> bool:
        if heard:
            (root / "notes.txt").unlink(missing_ok=True)
        heard.append(True)
        return False

    heard: list[bool] = []
    with open_source(root, moved_once_the_folder_was_listed) as listing:
        reason = "the file cannot be read (No such file or directory)"
        assert [(one.file, one.reason) for one in listing.refused] == [("notes.txt", reason)]
