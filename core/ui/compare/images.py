"""Compare, Pictures: which images made the difference. What is shown is chosen in the address."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from core.analysis.evidence import ExperimentPredictions
from core.analysis.mistakes import (
    confident_mistakes,
    disagreements,
    hardest,
    label_errors_csv,
    likely_label_errors,
)
from core.analysis.words.images import describe_label_errors
from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown, percent_text
from core.ui.compare.confusion import show_confusion
from core.ui.compare.image import show_image, show_map
from core.ui.frame.address import Choice, choose_in_row, remember, wanted_number
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import Subject, computed
from core.ui.widgets.exhibit import (
    choose_headline_pair,
    choose_seed,
    choose_strategy,
    dataset_or_words,
    evidence_or_words,
)
from core.ui.widgets.tiles import Tile, tiles_or_words

MOST_SHOWN = 240
# Keys of links.
DIRECTIONS = {"put_right": "Fixed by the second", "broken": "Regressed by the second"}


def show_images(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    if evidence is None:
        return
    dataset = dataset_or_words(subject)
    limit = dataset.image_count if dataset is not None else int(evidence.test_indices.max()) + 1
    image = wanted_number("image", limit)
    if image is not None:
        show_image(subject, evidence, dataset, image)
        return
    titles = {name: title for name, (title, _) in SHOWS.items()}
    show = choose_in_row(
        Choice("show", "Pictures", "kind of pictures", titles, "confusion"), label_visible=False
    )
    SHOWS[show][1](subject, evidence, dataset)


def _show_disagreements(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    pair = choose_headline_pair(subject)
    if pair is None:
        return
    remember(first=pair[0], second=pair[1])
    first, second = (evidence.of(name) for name in pair)
    seed = choose_seed(sorted(set(first.seeds) & set(second.seeds)))
    found = computed(subject, disagreements, *pair, seed, seed)
    changed = {"put_right": found.fixed, "broken": found.regressed}
    direction = choose_in_row(
        Choice(
            name="side",
            label="Which changed",
            kind="direction of change",
            options={
                name: f"{title} ({len(changed[name]):,})" for name, title in DIRECTIONS.items()
            },
            default="put_right",
        ),
        label_visible=False,
    )
    st.markdown(
        f"{escape_markdown(second.title)} fixes {count_text(len(found.fixed), 'picture')} that "
        f"{escape_markdown(first.title)} got wrong, and gets {len(found.regressed):,} wrong that "
        "it got right. The largest change in the probability of the label comes first."
    )
    if seed is None and max(len(first.seeds), len(second.seeds)) > 1:
        st.caption(
            "With several seeds a strategy is correct where more than half of its seeds are."
        )
    tiles = [
        Tile(
            one.image,
            (
                f"label {evidence.classes[one.label]}",
                f"for it: {percent_text(one.first_true_class_probability)} → "
                f"{percent_text(one.second_true_class_probability)}",
                f"first: {evidence.classes[one.first_predicted]}, "
                f"{percent_text(one.first_confidence)}",
                f"second: {evidence.classes[one.second_predicted]}, "
                f"{percent_text(one.second_confidence)}",
            ),
        )
        for one in changed[direction]
    ]
    tiles_or_words(dataset, tiles, f"flips.{direction}", "There is no such picture.")


def _show_mistakes(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    strategy = choose_strategy(evidence)
    found = computed(subject, confident_mistakes, strategy, MOST_SHOWN)
    title = escape_markdown(evidence.of(strategy).title)
    st.markdown(f"The mistakes of {title}, highest confidence first.{_first_only(found)}")
    tiles = [
        Tile(
            one.image,
            (
                f"label {evidence.classes[one.label]}, {percent_text(one.true_class_probability)}",
                f"predicted {evidence.classes[one.predicted]}, {percent_text(one.confidence)}",
                f"wrong for {one.seeds_wrong} of {count_text(one.seed_count, 'seed')}",
            ),
        )
        for one in found
    ]
    tiles_or_words(dataset, tiles, "mistakes", "It made no mistake on these test images.")


def _show_hardest(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    found = computed(subject, hardest, MOST_SHOWN)
    st.markdown(
        "Images that every strategy gets wrong, counting only strategies clearly better than the "
        "majority class. Those with the lowest probability of the true class come first."
        + _first_only(found)
    )
    st.caption(
        "Below each picture: its label with the mean probability that these strategies give it, "
        "and how many of them predict which class."
    )
    tiles = [
        Tile(
            one.image,
            (
                f"label {evidence.classes[one.label]}, {percent_text(one.true_class_probability)}",
                *_predictions(one.answers, evidence.classes),
            ),
        )
        for one in found
    ]
    tiles_or_words(dataset, tiles, "hardest", "No test image was wrong for all of them.")


def _first_only(found: Sequence[object]) -> str:
    return f" Only the first {MOST_SHOWN} are shown." if len(found) == MOST_SHOWN else ""


def _predictions(answers: Sequence[tuple[str, int]], classes: Sequence[str]) -> list[str]:
    """How many strategies predict each class, one line a class, the commonest first."""
    counts = Counter(predicted for _, predicted in answers)
    return [
        f"{classes[predicted]}: {count} of {len(answers)}"
        for predicted, count in counts.most_common()
    ]


def _show_label_errors(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    errors = computed(subject, likely_label_errors)
    st.markdown(escape_markdown(computed(subject, describe_label_errors)))
    if dataset is not None and errors:
        st.download_button(
            "Doubtful labels as CSV",
            data=file_or_error(lambda: label_errors_csv(evidence, dataset)),
            file_name=f"headstart-{subject.id}-doubtful-labels.csv",
            mime="text/csv",
            icon=":material/download:",
            help="One line for each picture: file, label, and what the best strategies predict "
            "instead.",
        )
    tiles = [
        Tile(
            one.image,
            (
                f"label {evidence.classes[one.label]}",
                f"all predict {evidence.classes[one.suggested]}, {percent_text(one.probability)}",
            ),
        )
        for one in errors
    ]
    tiles_or_words(dataset, tiles, "labels", None)


# What stands in the address: the name of the view and what draws it. Only the chosen one is drawn.
SHOWS = {
    "confusion": ("Confusion matrix", show_confusion),
    "flips": ("Disagreements", _show_disagreements),
    "mistakes": ("Confident mistakes", _show_mistakes),
    "hardest": ("Hardest", _show_hardest),
    "labels": ("Doubtful labels", _show_label_errors),
    "map": ("Map", show_map),
}
