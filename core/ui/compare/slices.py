"""Compare, Where it helps: slices of the test images, where the gain holds, how good each is."""

from collections.abc import Sequence

import streamlit as st

from core.analysis.choice import needs_pretrained
from core.analysis.evidence import ExperimentPredictions
from core.analysis.image_properties import ImageProperty, image_properties
from core.analysis.significance import image_differences
from core.analysis.slice_gains import SliceGains
from core.analysis.slices import Slice, Slicing, slice_accuracies
from core.analysis.verdicts import pair_verdict
from core.analysis.words.slices import (
    NO_SLICES,
    OWN_CAUTION,
    PROPERTY_MEANINGS,
    PROPERTY_TITLES,
    describe_left_out,
    describe_slices,
    slice_title,
)
from core.analysis.words.verdicts import describe_pair
from core.charts.slices import MOST_GAINS, sections_of, slice_accuracy_chart, slice_gains_chart
from core.datasets.dataset import Dataset
from core.text import count_text, escape_markdown
from core.ui.compare.image import show_image
from core.ui.compare.own_slices import show_own_slices
from core.ui.frame import evidence_reads, reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row, remember, wanted_number
from core.ui.frame.evidence_reads import Subject, computed, drawn, kept
from core.ui.frame.job_status import ready_or_words
from core.ui.frame.slice_reads import Known, gains_of, known_of, slicing_of
from core.ui.widgets.exhibit import (
    choose_headline_pair,
    dataset_or_words,
    evidence_or_words,
    sentences,
    show_exhibit,
)
from core.ui.widgets.tiles import Tile, tiles_or_words

GAINS_HELP = (
    "Each row is a slice: the test images that are alike in one thing. The marker says how many "
    "points the second strategy is ahead there, the whisker is the 95 % interval over images and "
    "seeds, and a filled marker means that the two can be told apart after Holm's correction. The "
    "dotted line is the difference on all test images. Slices overlap and say where, not why: a "
    "class may be the dark one."
)
ACCURACY_HELP = (
    "Test accuracy of every strategy in the slices of one property, with 95 % Wilson intervals. "
    "A slice with few images has a wide one."
)
MEASURE_HELP = (
    "Brightness, contrast, sharpness and the nearest training image are measured on the pixels "
    "that the networks see, beside this page, at low priority: some seconds, or a minute for many "
    "pictures. There are more tests then, and Holm's correction is for all of them."
)


def show_slices(subject: Subject) -> None:
    evidence = evidence_or_words(subject)
    if evidence is None:
        return
    dataset = dataset_or_words(subject)
    if dataset is None:
        st.caption(
            "Without the images only their classes are known: the slices are by class alone."
        )
    limit = dataset.image_count if dataset is not None else int(evidence.test_indices.max()) + 1
    image = wanted_number("image", limit)
    if image is not None:
        show_image(subject, evidence, dataset, image)
        return
    known = known_of(subject, dataset is not None)
    slicing = slicing_of(subject, known)
    pair = choose_headline_pair(subject)
    if pair is not None:
        remember(first=pair[0], second=pair[1])
        drawn(subject, _draw_gains, known, *pair)
    for sentence in describe_left_out(slicing.left_out, evidence.classes):
        st.caption(escape_markdown(sentence))
    if known.dataset and not known.measured:
        _offer_measurements(subject)
    show_own_slices(subject.experiment, slicing, evidence.classes)
    if not slicing.slices:
        st.info(NO_SLICES)
        return
    gains = None if pair is None else gains_of(subject, known, *pair)
    slices = _telling_first(slicing, gains)
    _show_accuracies(subject, slices, known)
    _show_images(evidence, dataset, slices, gains)


def _draw_gains(subject: Subject, known: Known, first: str, second: str) -> None:
    gains = gains_of(subject, known, first, second)
    verdict = computed(subject, pair_verdict, first, second)
    classes = evidence_reads.evidence(subject).classes
    is_pretrained = needs_pretrained(second) and not needs_pretrained(first)
    title = f"Where is {escape_markdown(gains.second_title)} better?"
    meanings = "\n\n".join(
        f"**{PROPERTY_TITLES[kind].capitalize()}**: {escape_markdown(meaning)}."
        for kind, meaning in PROPERTY_MEANINGS.items()
    )
    st.header(
        "Where does pre-training help?" if is_pretrained else title,
        help=f"{GAINS_HELP}\n\n{meanings}",
    )
    sentences([f"On all test images: {describe_pair(verdict)}", *describe_slices(gains, classes)])
    if known.own:
        st.caption(OWN_CAUTION)
    if len(gains.entries) > MOST_GAINS:
        st.caption(f"The chart has the first {MOST_GAINS}, the table all {len(gains.entries):,}.")
    if gains.entries:
        exhibit = slice_gains_chart(gains, verdict.difference, classes)
        show_exhibit(exhibit, f"slices.{subject.id}")


def _offer_measurements(subject: Subject) -> None:
    asked = f"slices.measure.{subject.id}"
    if not st.session_state.get(asked):
        st.button(
            "Measure brightness, contrast, sharpness and the nearest training image, too",
            icon=":material/tune:",
            on_click=st.session_state.update,
            args=({asked: True},),
            help=MEASURE_HELP,
        )
    elif ready_or_words(lambda: image_properties(reads.store(), subject.id), asked) is not None:
        st.rerun()


def _show_accuracies(subject: Subject, slices: Sequence[Slice], known: Known) -> None:
    """At first by the property in which the first of ``slices`` are alike."""
    st.header("How good is each strategy there?", help=ACCURACY_HELP)
    kinds = {one.kind for one in slices}
    titles = {kind.value: PROPERTY_TITLES[kind] for kind in ImageProperty if kind in kinds}
    usual = slices[0].kind.value
    chosen = choose_in_row(Choice("property", "Slices by", "property", titles, usual))
    drawn(subject, _draw_accuracies, known, chosen)


def _draw_accuracies(subject: Subject, known: Known, chosen: str) -> None:
    evidence, slicing = evidence_reads.evidence(subject), slicing_of(subject, known)
    accuracies = kept(
        subject, ("slice accuracies", known), lambda: slice_accuracies(evidence, slicing)
    )
    slices = slicing.of(ImageProperty(chosen))
    exhibit = slice_accuracy_chart(accuracies, slices, evidence.classes)
    show_exhibit(exhibit, f"slice-accuracies.{subject.id}.{chosen}")


def _show_images(
    evidence: ExperimentPredictions,
    dataset: Dataset | None,
    slices: Sequence[Slice],
    gains: SliceGains | None,
) -> None:
    """The images of one slice; those that the second strategy alone gets right come first."""
    st.header("The pictures of a slice")
    titles = {one.key: f"{slice_title(one, evidence.classes)} ({one.images:,})" for one in slices}
    key = choose_in_list(Choice("slice", "Slice", "slice", titles, next(iter(titles))))
    rows = next(one.rows for one in slices if one.key == key).nonzero()[0]
    lines = {int(row): [f"label {evidence.classes[evidence.labels[row]]}"] for row in rows}
    if gains is not None:
        pair = evidence.of(gains.first), evidence.of(gains.second)
        differences, _ = image_differences(pair[0].correct, pair[1].correct)
        rows = rows[(-differences[rows]).argsort(kind="stable")]
        for which, answers in zip(("first", "second"), pair, strict=True):
            correct = answers.correct.sum(axis=0)
            for row in rows:
                lines[int(row)].append(f"{which}: {_correct(int(correct[row]), answers.seeds)}")
        st.caption(
            f"{count_text(len(rows), 'picture')}. Those that "
            f"{escape_markdown(gains.second_title)} alone gets right come first, those that "
            f"{escape_markdown(gains.first_title)} alone gets right last."
        )
    tiles = [Tile(int(evidence.test_indices[row]), tuple(lines[int(row)])) for row in rows]
    tiles_or_words(dataset, tiles, "slice", None)


def _telling_first(slicing: Slicing, gains: SliceGains | None) -> tuple[Slice, ...]:
    if gains is None:
        return slicing.slices
    return tuple(one.of for entries in sections_of(gains).values() for one in entries)


def _correct(count: int, seeds: Sequence[int]) -> str:
    if len(seeds) == 1:
        return "correct" if count else "wrong"
    return f"correct in {count} of {len(seeds)} seeds"
