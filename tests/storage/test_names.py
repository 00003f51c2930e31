"""Two machines that give the same name at the same moment: one of them gets it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core.datasets import storage as module
from core.datasets.add import add_dataset
from core.datasets.storage import list_datasets, open_dataset, rename_dataset
from core.errors import BadInput, HeadstartError
from core.storage import naming, shared
from core.storage.naming import naming_lock
from tests.datasets.pictures import noise_png

Machine = Callable[[str], Path]


def images(folder: Path, seed: int) -> Path:
    """Two classes of random pixels, like those of no other seed; the folder is called ``birds``."""
    for number in range(8):
        path = folder / str(seed) / "birds" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise_png(100 * seed + number))
    return folder / str(seed) / "birds"


def meanwhile(monkeypatch: pytest.MonkeyPatch, machine: Machine, add: Callable[[], object]) -> None:
    """While machine a shares its images, b adds others."""
    real, done = module.push, list[bool]()

    def push(*paths: Path) -> None:
        if not done:
            done.append(True)
            machine("b")
            add()
            machine("a")
        real(*paths)

    monkeypatch.setattr(module, "push", push)


@pytest.mark.usefixtures("storage")
def test_the_second_gets_a_number(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("a")
    meanwhile(monkeypatch, machine, lambda: add_dataset(images(tmp_path, 2)))
    added = add_dataset(images(tmp_path, 1))
    assert added.name == "birds (2)"
    for name in ("a", "b"):
        machine(name)
        assert [dataset.name for dataset in list_datasets()] == ["birds", "birds (2)"]
    assert open_dataset("birds (2)").id == added.id
    again = add_dataset(images(tmp_path, 1), "another name")  # the same content keeps its name
    assert (again.id, again.name) == (added.id, "birds (2)")


@pytest.mark.usefixtures("storage")
def test_the_same_images_under_two_names_have_the_one_that_was_shared_last(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("a")
    meanwhile(monkeypatch, machine, lambda: add_dataset(images(tmp_path, 1), "theirs"))
    added = add_dataset(images(tmp_path, 1), "mine")
    assert added.name == "mine"
    for name in ("a", "c"):
        machine(name)
        assert [dataset.name for dataset in list_datasets()] == ["mine"]


@pytest.mark.usefixtures("storage")
def test_a_name_that_was_asked_for_is_refused(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("a")
    meanwhile(monkeypatch, machine, lambda: add_dataset(images(tmp_path, 2), "mine"))
    with pytest.raises(BadInput, match=r"already a dataset named 'mine' with other images"):
        add_dataset(images(tmp_path, 1), "mine")
    for name in ("a", "b"):
        machine(name)
        (only,) = list_datasets()
        assert (only.name, only.image_count) == ("mine", 8)
    machine("a")
    assert add_dataset(images(tmp_path, 1), "other").name == "other"


@pytest.mark.usefixtures("folder_storage")
def test_a_new_name_is_looked_up_where_others_gave_theirs_a_moment_ago(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared, "REMEMBERED_SECONDS", 60.0)
    machine("a")
    add_dataset(images(tmp_path, 1), "one")
    here = shared._shared()
    assert [dataset.name for dataset in list_datasets()] == ["one"]  # and remembered
    machine("b")
    add_dataset(images(tmp_path, 2), "two")
    machine("a")
    monkeypatch.setattr(shared, "_shared", lambda: here)
    with pytest.raises(BadInput, match="already a dataset named 'two'"):
        rename_dataset("one", "two")


def test_one_machine_at_a_time_gives_names(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADSTART_DATABASE_URL", postgres_url)
    order: list[str] = []
    waits = threading.Event()

    def give() -> None:
        waits.set()
        with naming_lock():
            order.append("second")

    other = threading.Thread(target=give)
    with naming_lock():
        other.start()
        assert waits.wait(10)
        other.join(0.3)
        assert order == []
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_a_name_is_not_waited_for_for_ever(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(naming, "WAIT_SECONDS", 0.2)
    monkeypatch.setenv("HEADSTART_DATABASE_URL", postgres_url.replace("://", "+psycopg://", 1))
    with naming_lock():
        sentence = r"No name can be given .* lock timeout.* Try again\."
        with pytest.raises(HeadstartError, match=sentence), naming_lock():
            pass
    with naming_lock():
        pass
    monkeypatch.setenv("HEADSTART_DATABASE_URL", "postgresql://nobody@/none?host=/nowhere")
    with pytest.raises(HeadstartError, match="No name can be given"), naming_lock():
        pass


def test_without_a_server_nothing_is_asked(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.delenv("HEADSTART_DATABASE_URL", raising=False)
    with naming_lock(), naming_lock():
        assert not home.exists()
