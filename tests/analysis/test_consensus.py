"""The predictions for one image, and the marked cell."""

import pytest

from core.analysis.confusion import confusion
from core.analysis.consensus import answers_about, answers_frame
from core.analysis.evidence import load_evidence
from core.charts.matrices import confusion_chart, mark_cell
from core.errors import BadInput
from core.experiments.store import open_store
from tests.made_evidence import store_experiment


@pytest.fixture
def evidence(home):  # noqa: ARG001 - sets the home
    store = open_store()
    return load_evidence(store, store_experiment(store))


def test_all_seeds_together_say_what_most_of_them_say(evidence):
    # Image 8 is an ant: cnn says bee twice; the probe says ant once and bee once, equally sure.
    cnn, probe = answers_about(evidence, 8)
    assert (cnn.strategy, cnn.predicted_name, cnn.correct) == ("cnn", "bee", False)
    assert (cnn.confidence, cnn.true_class_probability) == (0.5, 0.375)
    assert (cnn.seeds_correct, cnn.seed_count) == (0, 2)
    assert (probe.predicted_name, probe.correct, probe.seeds_correct) == ("ant", True, 1)
    assert (probe.confidence, probe.true_class_probability) == (0.5, 0.4375)


def test_one_seed_speaks_for_itself(evidence):
    cnn, probe = answers_about(evidence, 5, seed=1)
    assert (cnn.predicted_name, cnn.seeds_correct, cnn.seed_count) == ("bee", 0, 1)
    assert (probe.predicted_name, probe.correct, probe.seed_count) == ("ant", True, 1)


def test_a_seed_that_nobody_has_gives_no_prediction(evidence):
    assert answers_about(evidence, 3, seed=7) == ()


def test_an_image_outside_the_test_split_is_refused(evidence):
    with pytest.raises(BadInput) as refused:
        answers_about(evidence, 4)
    assert str(refused.value) == (
        "Picture 4 is not one of the 8 test images, so there is no prediction for it."
    )


def test_the_frame_has_a_line_a_strategy(evidence):
    frame = answers_frame(answers_about(evidence, 8))
    assert frame.to_dict("list") == {
        "strategy": ["CNN, three blocks", "VGG16 probe"],
        "predicted": ["bee", "ant"],
        "correct": ["no", "yes"],
        "confidence (%)": [50.0, 50.0],
        "probability of the label (%)": [37.5, 43.75],
        "seeds correct": ["0 of 2", "1 of 2"],
    }


def test_the_chosen_cell_gets_a_frame(evidence):
    matrix = confusion(evidence, "cnn")
    figure = confusion_chart(matrix).figure
    mark_cell(figure, matrix, 0, 1)
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == (0.5, 1.5, -0.5, 0.5)
