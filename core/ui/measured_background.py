"""How it is measured: the four scenarios, device and versions, and the whole glossary."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.text import percent_text
from core.comparison.model import Comparison
from core.comparison.tables import title_of
from core.ui.evidence_reads import Subject
from core.ui.glossary import GLOSSARY, explain
from core.ui.results import recorded_text
from core.text import escape_markdown


@dataclass(frozen=True)
class Scenario:
    """What to do with a dataset of this size and likeness to ImageNet; ``why`` in a sentence."""

    size: str
    likeness: str
    advice: str
    why: str
    strategies: tuple[str, ...]


SCENARIOS = (
    Scenario(
        "Few images",
        "like ImageNet's photographs",
        "Train the last layers only",
        "What was learned fits, and few images cannot improve it without being learned by heart.",
        ("vgg16_probe", "vgg16_features", "vgg16_softmax"),
    ),
    Scenario(
        "Few images",
        "unlike them",
        "Freeze the first k layers, train the rest",
        "Edges and colours are the same everywhere; what is built of them is not.",
        ("vgg16_freeze",),
    ),
    Scenario(
        "Many images",
        "like ImageNet's photographs",
        "Start from the weights, train everything",
        "There is enough to adapt every layer, and the start saves time.",
        ("vgg16_finetune",),
    ),
    Scenario(
        "Many images",
        "unlike them",
        "Train from random weights",
        "There is enough to learn everything anew, and what was learned elsewhere fits little.",
        ("vgg16_scratch", "cnn"),
    ),
)


def show_scenarios(subject: Subject | None) -> None:
    st.markdown(
        "How much of a pre-trained network to keep depends on two things: how many images there "
        "are, and how much they are like the photographs that it learned from. The tutorial names "
        "four cases. They are rules of thumb: the ladder measures which one holds for your images.",
        help=explain("ImageNet"),
    )
    comparison = subject.comparison if subject else None
    for row in (SCENARIOS[:2], SCENARIOS[2:]):
        for column, scenario in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                _show_scenario(scenario, comparison)
    if subject and subject.experiment.spec.images:
        st.caption(
            f"The example {escape_markdown(subject.experiment.spec.dataset_name)} has "
            f"{subject.experiment.spec.images.get('train', 0):,} training images; ImageNet had "
            "more than a million. Whether they are alike cannot be read off them, only measured: "
            "by what the frozen features reach."
        )


def _show_scenario(scenario: Scenario, comparison: Comparison | None) -> None:
    st.markdown(f"{scenario.size}, {scenario.likeness}")
    st.markdown(f"**{scenario.advice}**")
    st.markdown(scenario.why)
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    for name in scenario.strategies:
        measured = f": {percent_text(rows[name].test_accuracy)} here" if name in rows else ""
        st.markdown(f"- {escape_markdown(title_of(name) + measured)}")


def show_device(subject: Subject | None) -> None:
    st.markdown(
        "Times belong to the machine that they were taken on, and the last digit of an accuracy "
        "to the versions of the libraries. So every run keeps both, and one experiment never mixes "
        "two devices or two number formats."
    )
    if subject is None:
        return
    comparison = subject.comparison
    facts = {
        "made": recorded_text(comparison) or "on this machine",
        "device": comparison.device or "not known yet",
        "number format": comparison.precision,
        "backend": comparison.backend or "not known yet",
        "experiment": comparison.experiment,
        "dataset": f"{comparison.dataset} ({comparison.dataset_id[:12]})",
        "seeds": ", ".join(str(seed) for seed in comparison.seeds),
    }
    _show_pairs(facts, ("fact", "value"))
    st.markdown(explain("number format"))
    st.subheader("Versions")
    if comparison.versions:
        _show_pairs(comparison.versions, ("library", "version"))
    else:
        st.caption("No run has finished yet, so none are known.")


def show_glossary(_subject: Subject | None) -> None:
    _show_pairs(GLOSSARY, ("word", "what it means"))


def _show_pairs(pairs: dict[str, str], names: tuple[str, str]) -> None:
    """A plain table of two columns whose texts wrap; shown as they are."""
    first, second = names
    st.table(
        pd.DataFrame(
            {
                first: [escape_markdown(name) for name in pairs],
                second: [escape_markdown(text) for text in pairs.values()],
            }
        ).set_index(first)
    )
