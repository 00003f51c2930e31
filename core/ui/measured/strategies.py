"""How it is measured: the strategies, each with its network drawn from the registry."""

import streamlit as st

from core.charts.architecture import architecture_chart, parameters_chart, strategies_frame
from core.charts.exhibit import Exhibit
from core.errors import BadInput
from core.experiments.planning import PRESET_IMAGE_SIZES
from core.layers.record import BACKBONE_PART
from core.strategies.registry import STRATEGIES, find_strategy, names_with
from core.strategies.settings import PRESETS, Value
from core.strategies.strategy import Role, Strategy
from core.text import count_text, escape_markdown
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.measured.document import Values, show_text
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.glossary import explain

SIZES = (32, 64, 96, 128, 160, 224)
FIRST_SHOWN = names_with(Role.LINEAR_PROBE)[0]
NUMBER = st.column_config.NumberColumn(format="localized")


def show_strategies(subject: Subject | None) -> None:
    show_text("strategies", _Strategies(subject))


class _Strategies:
    """The figures of the section: of the strategy that was chosen, and of all."""

    def __init__(self, subject: Subject | None) -> None:
        self.subject = subject
        self.class_count = _class_count(subject)
        self.drawn: Exhibit | None = None

    def choices(self) -> Values:
        titles = {name: entry.title for name, entry in STRATEGIES.items()}
        self.entry = find_strategy(
            choose_in_list(
                Choice("strategy", "Strategy", "strategy", titles, FIRST_SHOWN, clears=("k",))
            )
        )
        self.preset, self.size = _choose_preset_and_size(self.subject)
        self.settings = self.entry.resolve(self.preset, _choose_k(self.entry, self.preset))
        all_values = {
            "preset": self.preset,
            "size": self.size,
            "classes": count_text(self.class_count, "class"),
        }
        try:
            self.layer_records = self.entry.layers(self.settings, self.size, self.class_count)
            self.outline = self.entry.describe(self.settings, self.size)
        except BadInput as error:
            st.warning(escape_markdown(error))
            self.layer_records = ()
            return all_values
        values = {"title": self.entry.title, "teaches": self.entry.teaches} | all_values
        if not self.layer_records:
            return values | {"no_network": True}
        self.drawn = architecture_chart(self.entry, self.layer_records, self.outline)
        self.parameters = parameters_chart(self.entry.name, self.layer_records)
        values |= {"network": True, "parameters": self.parameters.words}
        if len(self.entry.fits(self.settings)) > 1:
            values["two_fits"] = True
        return values

    def network(self) -> None:
        if self.drawn is not None:
            show_exhibit(self.drawn, f"network.{self.entry.name}", table=False)

    def layers(self) -> None:
        if self.drawn is None:
            return
        show_exhibit(self.parameters, f"parameters.{self.entry.name}", table=False)
        count = count_text(len(self.layer_records), "layer")
        with st.expander(count, icon=":material/table:"):
            st.markdown(escape_markdown(self.outline))
            st.dataframe(
                self.drawn.frame,
                hide_index=True,
                column_config={
                    "layer": st.column_config.TextColumn(pinned=True),
                    "parameters": NUMBER,
                    "k": st.column_config.NumberColumn(
                        help="How the setting k counts the layers: as Keras counts model.layers, "
                        "the input layer included."
                    ),
                },
                placeholder="—",
                key=f"layers.{self.entry.name}",
                alt=f"The layers of {self.entry.title}, one line each.",
            )

    def all_strategies(self) -> None:
        frame = strategies_frame(self.preset, self.size, self.class_count)
        numbers = [name for name in frame.columns if name not in ("strategy", "fits")]
        st.dataframe(
            frame,
            hide_index=True,
            column_config=dict.fromkeys(numbers, NUMBER)
            | {
                "strategy": st.column_config.TextColumn(pinned=True),
                "fits": st.column_config.TextColumn(f"fits {self.size} pixels"),
            },
            placeholder="—",
            key="networks",
            alt="Parameters of each strategy: frozen, trained from ImageNet, trained from random "
            "weights.",
        )

    def link(self) -> None:
        link_to("ladder", "What each strategy teaches, and its settings")


def _class_count(subject: Subject | None) -> int:
    """Of the experiment, else of the first dataset that is here; 2 where there is none."""
    if subject is not None and subject.experiment.spec.classes:
        return len(subject.experiment.spec.classes)
    datasets = reads.datasets()
    return len(datasets[0].classes) if datasets else 2


def _choose_preset_and_size(subject: Subject | None) -> tuple[str, int]:
    left, right = st.columns(2)
    with left:
        preset = choose_in_row(
            Choice(
                "preset",
                "Preset",
                "preset",
                {name: name for name in PRESETS},
                subject.experiment.spec.preset if subject else PRESETS[0],
                explain("preset"),
                clears=("size", "k"),
            )
        )
    usual = PRESET_IMAGE_SIZES[preset]
    own = [subject.experiment.spec.image_size] if subject else []
    sizes = {str(size): str(size) for size in sorted({*SIZES, usual, *own})}
    with right:
        size = choose_in_row(
            Choice("size", "Image size (pixels)", "image size", sizes, str(usual), clears=())
        )
    return preset, int(size)


def _choose_k(entry: Strategy, preset: str) -> dict[str, Value]:
    """The ``k`` that the address names, for a strategy that has it."""
    setting = next((one for one in entry.settings if one.name == "k"), None)
    if setting is None:
        return {}
    layers = entry.layers(entry.resolve(preset), PRESET_IMAGE_SIZES[preset], 2)
    names = [layer.name for layer in layers if layer.part == BACKBONE_PART]
    options = {"0": "0 · nothing is frozen"} | {
        str(count): f"{count} · up to {names[count - 1]}"
        for count in range(1, int(setting.high or 0) + 1)
    }
    chosen = choose_in_list(
        Choice(
            "k",
            setting.title,
            "number of frozen layers",
            options,
            str(setting.value_for(preset)),
            escape_markdown(setting.help),
            clears=(),
        )
    )
    return {"k": int(chosen)}
