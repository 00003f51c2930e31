"""Backbones of one's own on several machines: added on one, used and removed on another."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from core.backbones.own_folder import seen_images
from core.backbones.registry import BACKBONES, SHIPPED, find_backbone, own
from core.backbones.weights.access import load_weights
from core.errors import BadInput, StorageUnavailable
from core.experiments.own_backbones import remove_backbone
from core.experiments.store import open_store
from core.storage.objects import FolderObjects, Objects
from tests.own_backbones import add_own, arrays

Machine = Callable[[str], Path]


def test_one_that_was_added_here_is_used_there(storage: Objects, machine: Machine) -> None:
    machine("b")
    assert list(BACKBONES) == list(SHIPPED)
    machine("a")
    add_own(seen=np.ones((2, 32), np.uint8))
    machine("b")
    found = load_weights(find_backbone("digits_cnn").weights)
    assert found["conv_1/kernel"].tolist() == arrays()["conv_1/kernel"].tolist()
    assert len(seen_images("digits_cnn")) == 2  # type: ignore[arg-type]
    assert len(storage.entries("backbones")) == 4


@pytest.mark.usefixtures("folder_storage")
def test_its_name_is_given_once(machine: Machine) -> None:
    machine("a")
    add_own()
    machine("b")
    with pytest.raises(BadInput, match="already a backbone named 'digits_cnn'"):
        add_own(seed=1)
    assert list(own().records) == ["digits_cnn"]


@pytest.mark.usefixtures("folder_storage")
def test_one_that_is_removed_is_offered_nowhere(machine: Machine) -> None:
    machine("a")
    add_own()
    store = open_store()
    machine("b")
    assert list(BACKBONES)[-1] == "digits_cnn"
    assert not remove_backbone(store, "digits_cnn")  # no experiment names it
    for name in ("b", "a"):
        machine(name)
        assert own().records["digits_cnn"].removed_at
        assert not find_backbone("digits_cnn").is_offered
    with pytest.raises(BadInput, match="already a backbone named 'digits_cnn'"):
        add_own(seed=1)
    add_own()  # the same can be made again, also where copies of the former one are left
    machine("b")
    assert find_backbone("digits_cnn").is_offered
    assert len(load_weights(find_backbone("digits_cnn").weights)) == 4


@pytest.mark.usefixtures("folder_storage")
def test_one_that_cannot_be_shared_is_not_kept_either(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine("a")

    def away(*_given: object) -> None:
        raise StorageUnavailable("The shared storage went away.")

    with monkeypatch.context() as broken:
        broken.setattr(FolderObjects, "put", away)
        with pytest.raises(StorageUnavailable):
            add_own()
    assert list(BACKBONES) == list(SHIPPED)
    put = FolderObjects.put

    def breaks_off(self: FolderObjects, key: str, *given: object) -> None:
        if "weights" not in key:
            away()
        put(self, key, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as broken:
        broken.setattr(FolderObjects, "put", breaks_off)
        with pytest.raises(StorageUnavailable):
            add_own()
    for name in ("b", "a"):  # half of one is none, and keeps no name
        machine(name)
        assert list(BACKBONES) == list(SHIPPED)
    add_own()
    assert list(BACKBONES)[-1] == "digits_cnn"


def test_what_is_only_here_stays_where_the_storage_is_away_or_was_empty(
    folder_storage: FolderObjects, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as alone:
        alone.delenv("HEADSTART_STORAGE_URL")
        machine("a")
        add_own()
    machine("a")
    assert list(own().records) == ["digits_cnn"]
    Path(folder_storage.address).rename(f"{folder_storage.address}-away")
    assert list(own().records) == ["digits_cnn"]
