"""How it is measured: the four scenarios, device and versions, and the whole glossary."""

import pandas as pd
import streamlit as st

from core.analysis.comparison import Comparison, title_of
from core.strategies.registry import names_with
from core.strategies.strategy import Mode, Role
from core.text import escape_markdown, percent_text
from core.ui.frame.evidence_reads import Subject
from core.ui.measured.document import Values, show_text
from core.ui.widgets.glossary import GLOSSARY, explain
from core.ui.widgets.results import recorded_text

SCENARIOS = {
    "few_alike": names_with(Role.LINEAR_PROBE, Role.FROZEN_FEATURES),
    "few_unlike": names_with(mode=Mode.FREEZE),
    "many_alike": names_with(mode=Mode.FINETUNE),
    "many_unlike": names_with(Role.RANDOM_START)
    + names_with(Role.FROM_SCRATCH, convolutional=True),
}


def show_scenarios(subject: Subject | None) -> None:
    comparison = subject.comparison if subject else None
    values: Values = {
        scenario: ", ".join(_measured(name, comparison) for name in names)
        for scenario, names in SCENARIOS.items()
    }
    if subject and subject.experiment.spec.images:
        spec = subject.experiment.spec
        images = f"{spec.images.get('train', 0):,}"
        values = {**values, "dataset": spec.dataset_name, "training_images": images}
    show_text("scenarios", values=values)


def _measured(strategy: str, comparison: Comparison | None) -> str:
    """The title of the strategy, with its test accuracy where the experiment has it."""
    rows = {row.strategy: row for row in comparison.finished_rows} if comparison else {}
    if strategy not in rows:
        return title_of(strategy)
    return f"{title_of(strategy)} ({percent_text(rows[strategy].test_accuracy)} here)"


def show_device(subject: Subject | None) -> None:
    show_text("device", _Device(subject), {"experiment": subject.id} if subject else {})


class _Device:
    """The figures of the section."""

    def __init__(self, subject: Subject | None) -> None:
        self.comparison = subject.comparison if subject else None

    def facts(self) -> None:
        if self.comparison is None:
            return
        facts = {
            "made": recorded_text(self.comparison) or "on this machine",
            "device": self.comparison.device or "not known yet",
            "number format": self.comparison.precision,
            "backend": self.comparison.backend or "not known yet",
            "experiment": self.comparison.experiment,
            "dataset": f"{self.comparison.dataset} ({self.comparison.dataset_id[:12]})",
            "seeds": ", ".join(str(seed) for seed in self.comparison.seeds),
        }
        _show_pairs(facts, ("fact", "value"))
        st.markdown(explain("number format"))

    def versions(self) -> Values:
        if self.comparison is None:
            return {}
        if not self.comparison.versions:
            return {"no_versions": True}
        _show_pairs(self.comparison.versions, ("library", "version"))
        return {}


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
