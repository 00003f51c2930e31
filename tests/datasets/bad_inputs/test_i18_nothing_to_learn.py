"""I18: images that are all alike, labels that are all one. A loss that becomes NaN is a matter of
training, and in its tests."""

import pytest
from PIL import Image

from core.datasets.health.findings import findings
from core.datasets.split import make_split
from core.errors import BadInput
from tests.datasets.bad_inputs.making import add_zip
from tests.datasets.pictures import encoded, noise_png

pytestmark = pytest.mark.usefixtures("home")


def test_i18_all_pictures_black(tmp_path):
    black = encoded(Image.new("RGB", (40, 40)))
    members = {f"{name}/{number}.png": black for name in ("cats", "dogs") for number in range(5)}
    dataset = add_zip(tmp_path, members)
    assert dataset.image_count == 10
    assert dataset.health.exact_duplicates == 9
    assert dataset.health.small_classes == ("cats", "dogs")
    assert len(dataset.health.label_conflicts) == 1
    problems = {entry.kind: entry for entry in findings(dataset) if entry.severity == "problem"}
    assert set(problems) == {"label_conflicts", "small_classes", "one_colour"}
    assert problems["one_colour"].title == "Every image is of one colour only."
    assert problems["one_colour"].advice.startswith("There is nothing to see but the colour.")
    with pytest.raises(BadInput, match="cats"):
        make_split(dataset, 0.3, 0.1, 0)


def test_i18_labels_all_one(tmp_path):
    with pytest.raises(BadInput, match=r"one class \('cats'\)"):
        add_zip(tmp_path, {f"cats/{number}.png": noise_png(number) for number in range(5)})
