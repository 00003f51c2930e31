"""What was said about one image, which two strategies are shown first, and the marked cell."""

import pytest

from core.charts.confusion import confusion_chart, mark_cell
from core.comparison.confusion import confusion
from core.comparison.evidence import load_evidence
from core.comparison.one_image import answer_words, answers_about, answers_frame, image_words
from core.comparison.pair_choice import telling_pair
from core.errors import BadInput
from core.runs.store import open_store
from tests.made_evidence import evidence_of, store_experiment


@pytest.fixture
def evidence(home):  # noqa: ARG001 - sets the home
    store = open_store()
    return load_evidence(store, store_experiment(store))


def test_all_seeds_together_say_what_most_of_them_say(evidence):
    # Image 8 is an ant: cnn says bee twice; the probe says ant once and bee once, equally sure.
    cnn, probe = answers_about(evidence, 8)
    assert (cnn.strategy, cnn.said_name, cnn.right) == ("cnn", "bee", False)
    assert (cnn.confidence, cnn.true_class_probability) == (0.5, 0.375)
    assert (cnn.seeds_correct, cnn.seed_count) == (0, 2)
    assert (probe.said_name, probe.right, probe.seeds_correct) == ("ant", True, 1)
    assert (probe.confidence, probe.true_class_probability) == (0.5, 0.4375)
    assert answer_words(cnn) == "CNN, three blocks said bee (50.0 % sure), which is wrong"
    assert image_words(evidence, 8, (cnn, probe)) == "Labelled ant; 1 of 2 strategies said so."


def test_one_seed_speaks_for_itself(evidence):
    cnn, probe = answers_about(evidence, 5, seed=1)
    assert (cnn.said_name, cnn.seeds_correct, cnn.seed_count) == ("bee", 0, 1)
    assert (probe.said_name, probe.right, probe.seed_count) == ("ant", True, 1)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [(3, "Labelled ant; every strategy said so."), (8, "Labelled ant; no strategy said so.")],
)
def test_all_or_none_is_said(evidence, image, sentence):
    cnn, _ = answers_about(evidence, image)
    assert image_words(evidence, image, (cnn,)) == sentence


def test_nobody_asked_is_said(evidence):
    assert answers_about(evidence, 3, seed=7) == ()
    assert image_words(evidence, 3, ()) == "Labelled ant. No strategy was asked about it."


def test_an_image_outside_the_test_split_is_refused(evidence):
    with pytest.raises(BadInput) as refused:
        answers_about(evidence, 4)
    assert str(refused.value) == (
        "Picture 4 is not one of the 8 test images, so nothing was said about it."
    )


def test_the_frame_has_a_line_a_strategy(evidence):
    frame = answers_frame(answers_about(evidence, 8))
    assert frame.to_dict("list") == {
        "strategy": ["CNN, three blocks", "VGG16 probe"],
        "said": ["bee", "ant"],
        "right": ["no", "yes"],
        "probability of that (%)": [50.0, 50.0],
        "probability of the label (%)": [37.5, 43.75],
        "seeds right": ["0 of 2", "1 of 2"],
    }


def right(count, images=100):
    return [[place < count for place in range(images)]]


@pytest.mark.parametrize(
    ("rights", "pair"),
    [
        # The best and the lowest rung that cannot be told apart from it.
        (
            {"mlp": right(20), "vgg16_probe": right(88), "vgg16_finetune": right(90)},
            ("vgg16_probe", "vgg16_finetune"),
        ),
        # All can be told apart: the CNN and the probe.
        (
            {"cnn": right(20), "vgg16_probe": right(55), "vgg16_finetune": right(95)},
            ("cnn", "vgg16_probe"),
        ),
        # Without these, the two best.
        ({"mlp": right(20), "vgg16_features": right(95)}, ("mlp", "vgg16_features")),
        ({"mlp": right(20)}, None),
    ],
)
def test_the_first_pair_is_one_that_tells_something(rights, pair):
    assert telling_pair(evidence_of(rights)) == pair


def test_the_chosen_cell_gets_a_frame(evidence):
    matrix = confusion(evidence, "cnn")
    figure = confusion_chart(matrix).figure
    mark_cell(figure, matrix, 0, 1)
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (0.5, 1.5, -0.5, 0.5)
