"""How it is measured: the tutorial's own numbers beside ours, why they differ, questions."""

import streamlit as st

from core.analysis import tutorial
from core.analysis.comparison import title_of
from core.analysis.tutorial import Beside
from core.charts.measured import tutorial_chart
from core.layers.record import units_text
from core.text import escape_markdown, percent_text, seconds_text
from core.ui.frame.evidence_reads import Subject
from core.ui.widgets.exhibit import show_exhibit, show_table


def show_tutorial(subject: Subject | None) -> None:
    comparison = subject.comparison if subject else None
    found = tutorial.beside(comparison)
    st.markdown(
        f"The ladder comes from a tutorial, “{escape_markdown(tutorial.NAME)}”. Its first case had "
        f"{tutorial.TRAINING_IMAGES:,} training and {tutorial.TEST_IMAGES:,} test pictures in "
        f"{tutorial.CLASSES} themes, at {tutorial.IMAGE_SIZE} × {tutorial.IMAGE_SIZE} pixels. "
        "It reports the accuracy on the images that were trained on; the accuracies of this app "
        "are on images that were held out."
    )
    exhibit = tutorial_chart(found)
    if tutorial.known(found):
        show_exhibit(exhibit, "measured.tutorial", table=False)
    show_table(exhibit.frame, "tutorial", exhibit.words)
    for entry in found:
        if entry.row is not None and entry.row.strategy != entry.model.strategies[0]:
            st.caption(
                f"{escape_markdown(title_of(entry.model.strategies[0]))} is not in this "
                f"experiment; the nearest is {escape_markdown(entry.row.title)}."
            )
    st.subheader("Why the numbers differ")
    st.markdown("\n".join(f"- {reason}" for reason in _reasons(found, subject)))
    _show_questions()


def _reasons(found: tuple[Beside, ...], subject: Subject | None) -> list[str]:
    """Markdown, one reason each; what can be computed is computed."""
    majority, mlp = found[0].model, found[1].model
    sizes = " and ".join(
        f"{entry.units:,} with “{entry.padding}” padding "
        f"({escape_markdown(units_text(entry.shape))})"
        for entry in tutorial.flattened_sizes()
    )
    reasons = [
        "**Training accuracy against test accuracy.** A network can learn its training images by "
        "heart; that number says little about new ones. Both are in the table.",
        "**The MLP stood below the majority class**: "
        f"{escape_markdown(percent_text(mlp.accuracy))} against "
        f"{escape_markdown(percent_text(majority.accuracy))}, on the very images that it was "
        "trained on; guessing at random gives "
        f"{escape_markdown(percent_text(tutorial.chance_accuracy()))}. Its training got nowhere, "
        f"so it is no yardstick for what an MLP can do.{_own_mlp(found[1])}",
        f"**The flattened size.** The text says that its CNN flattens to "
        f"{tutorial.FLATTENED_IN_THE_TEXT}. With its own blocks at {tutorial.IMAGE_SIZE} pixels "
        f"that cannot come out: it is {sizes}. We build the blocks as they are described.",
        "**Dropouts that were never added.** The printed code creates the dropout layers of the "
        "head but does not connect them. Ours are connected.",
        _epoch_reason(found),
        "**Which mean is subtracted.** The author advised the mean of one's own images; the "
        "library that he used subtracts ImageNet's. Both are a setting here (mean), so that they "
        "can be measured.",
    ]
    if subject is not None and subject.experiment.spec.images:
        spec = subject.experiment.spec
        reasons.append(
            f"**Other pictures.** {escape_markdown(spec.dataset_name)} has "
            f"{spec.images.get('train', 0):,} training and {spec.images.get('test', 0):,} test "
            f"images in {len(spec.classes)} classes, used at {spec.image_size} × "
            f"{spec.image_size} pixels; always saying the commonest gives "
            f"{escape_markdown(percent_text(spec.majority_accuracy))}."
        )
    return reasons


def _own_mlp(entry: Beside) -> str:
    if entry.row is None or entry.row.train_accuracy is None:
        return ""
    accuracy = escape_markdown(percent_text(entry.row.train_accuracy))
    return f" Here it reaches {accuracy} on its training images."


def _epoch_reason(found: tuple[Beside, ...]) -> str:
    words = (
        "**An epoch that costs “almost nothing”.** So it is when only the last layer learns and "
        "VGG16's features are there already. Getting them is left out."
    )
    row = found[-1].row
    if row is None or row.feature_seconds is None:
        return words
    return (
        f"{words} Here an epoch took {escape_markdown(seconds_text(row.steady_epoch_seconds))}, "
        f"and the features {escape_markdown(seconds_text(row.feature_seconds))}."
    )


def _show_questions() -> None:
    shape, units = tutorial.backbone_features()
    answers = {
        "How must my folders and my CSV look?": (
            "One folder a class, or a table with a column of file names and one of labels; tables "
            "of pixels and IDX files work too. The page Datasets tells them apart by itself, and "
            "has a small sample of each."
        ),
        f"What are {tutorial.DIGITS_TRAINING_IMAGES:,} and {units:,}?": (
            f"{tutorial.DIGITS_TRAINING_IMAGES:,} is the number of its training images of digits. "
            f"{units:,} is how many numbers VGG16 gives for each picture of "
            f"{tutorial.IMAGE_SIZE} × {tutorial.IMAGE_SIZE} pixels: "
            f"{escape_markdown(units_text(shape))}. With another image size it is another number; "
            "the section The strategies computes it."
        ),
        "My images are 850 × 600, or grey. Where do I say so?": (
            "Nowhere. Every picture is reduced to the image size of the experiment; stretched, "
            "with a border, or cropped is a setting. A grey picture gets three equal channels "
            "inside the network."
        ),
        "Do I subtract my own mean, or ImageNet's?": (
            "The weights were trained with ImageNet's mean, so that is the preset. The setting "
            "“mean” of each strategy on a backbone takes your own instead: run both and compare."
        ),
        "Why is the data loaded twice?": (
            "In the tutorial two programs stand alone, and each loads for itself. Here a picture "
            "is read once when it is added and reduced once for each image size; all strategies "
            "share that, and the features of a frozen network as well."
        ),
    }
    st.subheader("What readers of the tutorial asked")
    for question, answer in answers.items():
        with st.expander(question):
            st.markdown(answer)
