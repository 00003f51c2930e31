"""``advise DATASET``: the sentences, the JSON, and what is refused."""

import json
from pathlib import Path

import pytest

from core.analysis.advice import facts as facts_module
from core.analysis.advice import gathered
from core.analysis.advice.facts import backbones_here, facts_path, write_facts
from core.datasets.dataset import Dataset
from core.datasets.storage import open_dataset
from core.experiments.accuracy_forecasts import keep_forecasts
from core.experiments.store import Store
from core.jobs import cached
from tests.analysis.advice.made_forecasts import trained
from tests.analysis.advice.test_grades import on_datasets
from tests.cli.conftest import TypeIt
from tests.made_facts import blocks, difference, facts
from tests.pages.compared import store_compared
from tests.stored_home import do_next

pytestmark = pytest.mark.usefixtures("home", "no_showcase")


@pytest.fixture
def arrows(home: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:  # noqa: ARG001 - in that home
    """Measured at the usual size, as a dataset of few images that are unlike ImageNet's."""
    monkeypatch.setattr(facts_module, "is_available", lambda weights: weights.backbone == "vgg16")
    dataset = open_dataset("arrows")
    for size in (96, 128):
        found = facts(dataset, image_size=size, blocks=blocks(difference(-5), 30, 9, None, 5, 9))
        write_facts(found, facts_path(dataset, size, backbones_here()))
    return dataset


def test_the_sentences_the_command_and_what_was_found(
    type_it: TypeIt, store: Store, arrows: Dataset
) -> None:
    store_compared(store, arrows)
    status, out, err = type_it("advise", "arrows")
    assert (status, err) == (0, "")
    assert out.startswith("Run first: EfficientNet-Lite0 probe.\nWhat it is: the pre-trained ")
    assert "\nRun already: the best on these images is CNN, three blocks, with 91.7 %" in out
    assert "\nYour images\n113 training images in 3 classes: 23 in the rarest" in out
    assert "These images are unlike ImageNet's photographs" in out
    assert "No forecast of this installation has been checked yet" in out
    assert (
        f"To run that: python -m core run {arrows.id[:12]} --strategies "
        "majority,cnn,efficientnet_lite0_probe,vgg16_freeze --set vgg16_freeze.k=11\n"
    ) in out
    rows = [line.split("  ") for line in out.splitlines() if line.startswith("arrows")]
    assert [cell.strip() for cell in rows[0] if cell.strip()] == [
        "arrows", "few images, unlike ImageNet's photographs", "CNN, three blocks", "91.7 %", "no"
    ]  # fmt: skip


def test_the_json_has_the_numbers_and_the_words(type_it: TypeIt, arrows: Dataset) -> None:
    status, out, err = type_it("advise", "arrows", "--image-size", "128", "--json")
    assert (status, err) == (0, "")
    document = json.loads(out)
    assert document["facts"]["image_size"] == 128
    assert document["facts"]["dataset_id"] == arrows.id
    assert document["facts"]["backbones"][1]["behind"]["difference"] == 0.02
    assert document["placement"]["scenarios"] == ["few_unlike"]
    assert document["placement"]["frozen_layers"] == 11
    assert document["first"] == {
        "strategy": "efficientnet_lite0_probe",
        "strategies": ["majority", "cnn", "efficientnet_lite0_probe", "vgg16_freeze"],
        "settings": {"vgg16_freeze.k": 11},
        "rests_on": "facts",
    }
    assert document["proposal"]["settings"] == {"vgg16_freeze.k": 11}
    assert document["found_here"] == document["forecasts"] == document["graded"] == []
    assert document["record"] is None
    assert any("unlike" in sentence for sentence in document["words"])


def test_what_was_not_measured_is_measured_first(
    type_it: TypeIt, arrows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker is not started: the job is done here, and fails, as VGG16 takes no such images."""
    monkeypatch.setattr(cached, "ensure_worker", do_next)
    status, out, err = type_it("advise", "arrows", "--image-size", "16")
    assert status == 0
    assert out.startswith("What to run first cannot be told.\nNo pre-trained network could be ")
    assert "To run that" not in out
    assert facts_path(arrows, 16, backbones_here()).exists()
    assert "Next in the queue" not in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing",), "no dataset named 'nothing'"),
        (("arrows", "--image-size", "big"), "--image-size is 'big'; it must be a whole number"),
        (("arrows", "--image-size", "4"), "image_size is 4; it must be"),
    ],
)
@pytest.mark.usefixtures("arrows")
def test_bad_input_is_one_sentence(
    type_it: TypeIt, arguments: tuple[str, ...], sentence: str
) -> None:
    status, out, err = type_it("advise", *arguments)
    assert (status, out) == (2, "")
    assert sentence in err


def test_without_weights_it_says_how_to_get_some(
    type_it: TypeIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_module, "is_available", lambda _weights: False)
    status, _, err = type_it("advise", "arrows")
    assert status == 2
    assert "python -m core backbones fetch vgg16" in err


def test_forecasts_and_verdicts_are_printed(type_it: TypeIt, store: Store, arrows: Dataset) -> None:
    made = [
        trained("vgg16_probe", 0.8, dataset_id=arrows.id, verdict="worth"),
        trained("mlp", 0.6, dataset_id=arrows.id, verdict="cannot_win"),
        trained(
            *("cnn", 0.7),
            id="a-cnn",
            batch="a",
            made_at="2026-11-29T22:00:00.000000+00:00",
            dataset_id=arrows.id,
            verdict="worth",
        ),
    ]
    keep_forecasts(store.database, made)
    status, out, err = type_it("advise", "arrows")
    assert (status, err) == (0, "")
    assert out.startswith("Run first: VGG16 probe.\n")
    assert "Confidence: it will be 76.0 to 84.0 % in 8 of 10 cases, judged by 40 earlier" in out
    rows = [line.split("  ") for line in out.splitlines() if line.startswith("VGG16 probe ")]
    assert [cell.strip() for cell in rows[0] if cell.strip()] == [
        "VGG16 probe", "worth running", "80.0 %", "76.0 to 84.0 %", "2 min"
    ]  # fmt: skip
    assert [line.split("  ")[1].strip() for line in out.splitlines() if "70.0 %   " in line] == [
        "not compared"  # with those of a later race
    ]
    assert "MLP: cannot win here. It is expected 20.0 points behind VGG16 probe" in out
    assert "Tested on 16 datasets of 6 sources" in out
    assert f"python -m core run {arrows.id[:12]} --strategies majority,mlp,vgg16_probe" in out


def test_forecasts_that_missed_too_often_are_not_printed(
    type_it: TypeIt, store: Store, arrows: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_forecasts(store.database, [trained("cnn", 0.8, dataset_id=arrows.id)])
    monkeypatch.setattr(gathered, "graded_forecasts", lambda _store: on_datasets(2, 0.3))
    _, out, _ = type_it("advise", "arrows")
    assert out.count("No forecast is shown") == 1
    assert "80.0 % (in 8 of 10" not in out
    assert out.startswith("Run first: EfficientNet-Lite0 probe.")
    assert "0 of 2 forecasts that came out lay in the range for 8 of 10" in out
    monkeypatch.setattr(gathered, "graded_forecasts", lambda _store: on_datasets(20, 0.3))
    _, out, _ = type_it("advise", "arrows")
    assert "fewer than luck allows" in out
    assert "80.0 % (in 8 of 10" in out
