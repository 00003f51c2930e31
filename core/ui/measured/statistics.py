"""How it is measured: the statistics. In plain words first, formula and source folded."""

import pandas as pd
import streamlit as st

from core.analysis.choice import headline_pair
from core.analysis.evidence import ExperimentPredictions, StrategyPredictions
from core.analysis.significance import RESAMPLES, SIGNIFICANCE, wilson_interval
from core.analysis.statistics_examples import drawn_differences, four_cells, holm_steps, widths
from core.analysis.words.verdicts import TOLD_APART, luck_words, p_text
from core.charts.measured import bootstrap_chart, widths_chart
from core.text import count_text, escape_markdown, percent_text
from core.ui.frame import evidence_reads
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import (
    ONE_STRATEGY,
    choose_pair,
    evidence_or_words,
    sentences,
    show_exhibit,
    show_table,
    titles_of,
)
from core.ui.widgets.glossary import explain

# From this p value on luck is said as so many of a hundred.
FEW = 0.01
SOURCES = {
    "wilson": (
        "The 95 % score interval of Wilson (1927), “Probable inference, the law of succession, and "
        "statistical inference”: all shares $p$ with "
        r"$|\hat p - p| \le z \sqrt{p(1-p)/n}$, where $\hat p$ is the share that was measured, $n$ "
        "the number of test images, and $z = 1.96$. With several seeds it belongs to the rounded "
        "mean number of right images; the seeds are scored on the same images, so they are not "
        "added up."
    ),
    "paired": (
        "McNemar (1947), “Note on the sampling error of the difference between correlated "
        "proportions”, in its exact form (Fagerland, Lydersen and Laake 2013): of the $b + c$ "
        "images on which the two differ, each is a fair coin if the two are equally good, so the "
        "smaller of $b$ and $c$ is binomial with $1/2$. With several seeds an image counts by how "
        "many of them agree: the exact permutation test that swaps the two on each image."
    ),
    "bootstrap": (
        "Efron (1979), “Bootstrap methods: another look at the jackknife”. Test images are drawn "
        "with replacement, the same ones for both strategies, and seeds within each strategy; the "
        "interval holds the middle 95 % of the differences. With very few seeds it is a little "
        "too narrow."
    ),
    "holm": (
        "Holm (1979), “A simple sequentially rejective multiple test procedure”: the smallest of "
        "$m$ p values is multiplied by $m$, the next by $m - 1$, and so on; none becomes smaller "
        "than the one before it."
    ),
}


def show_statistics(subject: Subject | None) -> None:
    st.markdown(
        "Another few hundred test images would have given other numbers. The statistics say how "
        "far other, and which differences are too large to be luck."
    )
    evidence = evidence_or_words(subject) if subject else None
    best = evidence.best if evidence else None
    _show_interval(evidence, best)
    pair = _choose_pair(evidence) if evidence else None
    _show_paired(evidence, pair)
    _show_bootstrap(evidence, pair)
    _show_holm(subject if evidence else None)
    _show_seeds(evidence)
    if subject:
        link_to("compare", "All differences", experiment=subject.id, view="differences")


def _source(name: str) -> None:
    with st.expander("Formula and source", icon=":material/function:"):
        st.markdown(SOURCES[name])


def _show_interval(
    evidence: ExperimentPredictions | None, best: StrategyPredictions | None
) -> None:
    st.subheader("How sure is one accuracy?", help=explain("confidence interval"))
    st.markdown(
        "An accuracy is a share of the test images. With few images it could easily have come out "
        "otherwise, so it stands with an interval that gets narrower with more images: four times "
        "as many make it half as wide."
    )
    if evidence is not None and best is not None:
        right = round(best.accuracy * evidence.images)
        low, high = wilson_interval(right, evidence.images)
        average = "on average " if len(best.seeds) > 1 else ""
        found = widths(best.accuracy, evidence.images)
        st.markdown(
            f"Here {escape_markdown(best.title)} named {average}{right:,} of {evidence.images:,} "
            f"test images right, **{percent_text(best.accuracy)}**. The interval goes from "
            f"{percent_text(low)} to {percent_text(high)}. The same accuracy on more or fewer "
            "images:"
        )
        exhibit = widths_chart(found, best.accuracy, best.strategy)
        show_exhibit(exhibit, "measured.widths", table=False)
    _source("wilson")


def _choose_pair(evidence: ExperimentPredictions) -> tuple[str, str] | None:
    st.subheader("Is a difference between two strategies real?", help=explain("McNemar's test"))
    default = headline_pair(evidence)
    if default is None:
        st.info(ONE_STRATEGY)
        return None
    return choose_pair(titles_of(evidence), default)


def _show_paired(evidence: ExperimentPredictions | None, pair: tuple[str, str] | None) -> None:
    if evidence is None:
        st.subheader("Is a difference between two strategies real?", help=explain("McNemar's test"))
    st.markdown(
        "Both are scored on the same images. Those that both get right, or both wrong, say nothing "
        "about which is better. Only the images on which they differ count: if the two were "
        "equally good, each of these would fall to either side like a coin."
    )
    if evidence is not None and pair is not None:
        first, second = (evidence.of(name) for name in pair)
        cells = four_cells(first, second)
        st.table(
            pd.DataFrame(
                {
                    f"{escape_markdown(second.title)} right": [cells.both_right, cells.fixed],
                    f"{escape_markdown(second.title)} wrong": [cells.regressed, cells.both_wrong],
                },
                index=pd.Index(
                    [
                        f"{escape_markdown(first.title)} right",
                        f"{escape_markdown(first.title)} wrong",
                    ],
                    name="test images",
                ),
            )
        )
        differing = cells.fixed + cells.regressed
        st.markdown(
            f"The first seed of each: they differ on {count_text(differing, 'image')}, "
            f"{cells.fixed:,} for {escape_markdown(second.title)} and {cells.regressed:,} for "
            f"{escape_markdown(first.title)}. {escape_markdown(_luck(cells.p_value))} A difference "
            f"is called real where all seeds together, after the correction below, come under "
            f"{percent_text(SIGNIFICANCE, 0)}.",
            help=explain("p value"),
        )
    _source("paired")


def _luck(p_value: float) -> str:
    if p_value < FEW:
        return f"Between equals {luck_words(p_value)}."
    return (
        f"Between equals {100 * p_value:.0f} of 100 such comparisons differ at least as much "
        f"({p_text(p_value)})."
    )


def _show_bootstrap(evidence: ExperimentPredictions | None, pair: tuple[str, str] | None) -> None:
    st.subheader("How large is the difference?")
    st.markdown(
        "The test images stand for all others like them. So they are drawn again and again "
        f"({RESAMPLES:,} times), some twice and some not at all, and the seeds as well. How far "
        "the difference moves from draw to draw is how far it could be off."
    )
    if evidence is not None and pair is not None:
        differences = drawn_differences(evidence, *pair)
        first, second = (evidence.of(name) for name in pair)
        exhibit = bootstrap_chart(differences, evidence.images, second.strategy)
        st.markdown(escape_markdown(f"{second.title} minus {first.title}: {exhibit.words}"))
        show_exhibit(exhibit, "measured.bootstrap", table=False)
        st.caption("Dashed: the middle 95 %. Dotted: no difference.")
    _source("bootstrap")


def _show_holm(subject: Subject | None) -> None:
    st.subheader("Why a p value is corrected", help=explain("p value"))
    st.markdown(
        "Who compares many pairs will find one that differs by luck: of twenty comparisons "
        "between equals, about one comes out under 5 %. So the p values of all pairs of an "
        "experiment are made larger by how many there are."
    )
    if subject is not None:
        steps = holm_steps(evidence_reads.pairs(subject))
        if steps:
            kept = sum(step.told_apart for step in steps)
            st.markdown(
                f"Here {count_text(len(steps), 'pair')}, of which {kept} can be {TOLD_APART} "
                "after the "
                "correction."
            )
            show_table(
                pd.DataFrame(
                    {
                        "pair": [
                            f"{step.second_title} against {step.first_title}" for step in steps
                        ],
                        "p": [p_text(step.p_value) for step in steps],
                        "times": [step.factor for step in steps],
                        "after Holm": [p_text(step.adjusted) for step in steps],
                        TOLD_APART: ["yes" if step.told_apart else "no" for step in steps],
                    }
                ),
                f"holm.{subject.id}",
                "Each pair with its p value before and after Holm's correction.",
            )
            sentences([evidence_reads.power(subject)])
    _source("holm")


def _show_seeds(evidence: ExperimentPredictions | None) -> None:
    st.subheader("Why several seeds", help=explain("seed"))
    st.markdown(
        "A network starts from random weights and sees the images in a random order. Train it "
        "again from another seed and it scores differently on the same images. One seed cannot "
        "tell this luck from skill; several show it."
    )
    if evidence is None:
        return
    several = [entry for entry in evidence.answers if len(entry.seeds) > 1]
    if not several:
        st.markdown("This experiment has one seed of each strategy, so its luck is not known.")
        return
    shares = {entry.title: 100 * entry.correct.mean(axis=1) for entry in several}
    show_table(
        pd.DataFrame(
            {
                "strategy": list(shares),
                "seeds": [len(values) for values in shares.values()],
                "lowest (%)": [float(values.min()) for values in shares.values()],
                "highest (%)": [float(values.max()) for values in shares.values()],
                "apart (points)": [
                    float(values.max() - values.min()) for values in shares.values()
                ],
            }
        ),
        f"seeds.{evidence.experiment_id}",
        "Lowest and highest test accuracy over the seeds of each strategy.",
    )
