"""Compare, Pictures: which pictures made the difference. What is shown is chosen in the address."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions
from core.analysis.mistakes import Disagreement, label_errors_csv
from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown, percent_text
from core.ui.compare.confusion import show_confusion
from core.ui.compare.image import show_image
from core.ui.compare.map import show_map
from core.ui.frame import evidence_reads
from core.ui.frame.address import (
    Choice,
    choose_in_row,
    remember,
    wanted_number,
)
from core.ui.frame.errors import file_or_error
from core.ui.frame.evidence_reads import MOST_MISTAKES, Subject
from core.ui.widgets.exhibit import (
    ONE_STRATEGY,
    choose_pair,
    choose_seed,
    choose_strategy,
    dataset_or_words,
    evidence_or_words,
    titles_of,
)
from core.ui.widgets.tiles import Tile, tiles_or_words

SHOWS = {
    "confusion": "Confusion matrix",
    "flips": "Disagreements",
    "mistakes": "Confident mistakes",
    "hardest": "Hardest",
    "labels": "Doubtful labels",
    "map": "Map",
}
SUBSETS = {"put_right": "Fixed by the second", "broken": "Regressed by the second"}


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
    show = choose_in_row(
        Choice("show", "Pictures", "kind of pictures", SHOWS, "confusion"), label_visible=False
    )
    if show == "confusion":
        show_confusion(subject, evidence, dataset)
    elif show == "flips":
        _show_disagreements(subject, evidence, dataset)
    elif show == "mistakes":
        _show_mistakes(subject, evidence, dataset)
    elif show == "hardest":
        _show_hardest(subject, evidence, dataset)
    elif show == "labels":
        _show_label_errors(subject, evidence, dataset)
    else:
        show_map(subject, evidence, dataset)


def _show_disagreements(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    default = headline_pair(evidence)
    if default is None:
        st.info(ONE_STRATEGY)
        return
    pair = choose_pair(titles_of(evidence), default)
    if pair is None:
        return
    remember(first=pair[0], second=pair[1])
    first, second = (evidence.of(name) for name in pair)
    seed = choose_seed(sorted(set(first.seeds) & set(second.seeds)))
    found = evidence_reads.disagreeing(subject, *pair, seed)
    counts = {"put_right": len(found.fixed), "broken": len(found.regressed)}
    subset = choose_in_row(
        Choice(
            name="side",
            label="Which changed",
            kind="direction of change",
            options={name: f"{SUBSETS[name]} ({count:,})" for name, count in counts.items()},
            default="put_right",
        ),
        label_visible=False,
    )
    st.markdown(
        f"{escape_markdown(second.title)} fixes {count_text(counts['put_right'], 'picture')} that "
        f"{escape_markdown(first.title)} got wrong, and gets {counts['broken']:,} wrong that it "
        "got right. The largest change in the probability of the true class comes first."
    )
    several = max(len(first.seeds), len(second.seeds)) > 1 and seed is None
    if several:
        st.caption(
            "With several seeds a strategy is correct where more than half of its seeds are."
        )
    disagreements: Sequence[Disagreement] = (
        found.fixed if subset == "put_right" else found.regressed
    )
    tiles = [
        Tile(
            entry.image,
            (
                f"label {evidence.classes[entry.label]}",
                f"{percent_text(entry.first_true_class_probability)} → "
                f"{percent_text(entry.second_true_class_probability)} for it",
                f"first: {evidence.classes[entry.first_predicted]}, "
                f"{percent_text(entry.first_confidence)}",
                f"second: {evidence.classes[entry.second_predicted]}, "
                f"{percent_text(entry.second_confidence)}",
            ),
        )
        for entry in disagreements
    ]
    tiles_or_words(dataset, tiles, f"flips.{subset}", "There is no such picture.")


def _show_mistakes(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    strategy = choose_strategy(evidence)
    mistakes = evidence_reads.top_mistakes(subject, strategy)
    most = f" Only the first {MOST_MISTAKES} are shown." if len(mistakes) == MOST_MISTAKES else ""
    st.markdown(
        f"The mistakes of {escape_markdown(evidence.of(strategy).title)}, highest confidence "
        f"first.{most}"
    )
    tiles = [
        Tile(
            mistake.image,
            (
                f"label {evidence.classes[mistake.label]}, "
                f"{percent_text(mistake.true_class_probability)}",
                f"predicted {evidence.classes[mistake.predicted]}, "
                f"{percent_text(mistake.confidence)}",
                f"wrong for {mistake.seeds_wrong} of {count_text(mistake.seed_count, 'seed')}",
            ),
        )
        for mistake in mistakes
    ]
    tiles_or_words(dataset, tiles, "mistakes", "It made no mistake on these test images.")


def _show_hardest(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    found = evidence_reads.hard_images(subject)
    most = f" The {MOST_MISTAKES} hardest are shown." if len(found) == MOST_MISTAKES else ""
    st.markdown(
        "Images that every strategy gets wrong, counting only strategies clearly better than the "
        f"majority class. Those with the lowest probability of the true class come first.{most}"
    )
    titles = titles_of(evidence)
    tiles = [
        Tile(
            entry.image,
            (
                f"label {evidence.classes[entry.label]}, "
                f"{percent_text(entry.true_class_probability)}",
                *_predictions(entry.answers, evidence, titles),
            ),
        )
        for entry in found
    ]
    tiles_or_words(dataset, tiles, "hardest", "No test image was wrong for all of them.")


def _predictions(
    answers: Sequence[tuple[str, int]], evidence: ExperimentPredictions, titles: dict[str, str]
) -> list[str]:
    """What was said, and by how many: one line a class, the commonest answer first."""
    by_class: dict[int, list[str]] = {}
    for strategy, predicted in answers:
        by_class.setdefault(predicted, []).append(titles[strategy])
    ordered = sorted(by_class.items(), key=lambda entry: -len(entry[1]))
    return [
        f"{evidence.classes[predicted]}: {len(names)} of {len(answers)}"
        for predicted, names in ordered
    ]


def _show_label_errors(
    subject: Subject, evidence: ExperimentPredictions, dataset: Dataset | None
) -> None:
    errors, words = evidence_reads.label_errors(subject)
    st.markdown(escape_markdown(words))
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
            error.image,
            (
                f"label {evidence.classes[error.label]}",
                f"all predict {evidence.classes[error.suggested]}, "
                f"{percent_text(error.probability)}",
            ),
        )
        for error in errors
    ]
    tiles_or_words(dataset, tiles, "labels", None)
