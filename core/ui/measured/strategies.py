"""How it is measured: the strategies, each with its network drawn from the registry."""

import streamlit as st

from core.charts.architecture import architecture_chart, parameters_chart, strategies_frame
from core.errors import BadInput
from core.experiments.planning import PRESET_IMAGE_SIZES
from core.layers.record import BACKBONE_PART, LayerRecord
from core.strategies.registry import STRATEGIES, find_strategy, names_with
from core.strategies.settings import PRESETS, Value
from core.strategies.strategy import Role, Strategy
from core.text import count_text, escape_markdown
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.widgets.exhibit import show_exhibit
from core.ui.widgets.glossary import explain, explain_all

SIZES = (32, 64, 96, 128, 160, 224)
FIRST_SHOWN = names_with(Role.LINEAR_PROBE)[0]
NUMBER = st.column_config.NumberColumn(format="localized")


def show_strategies(subject: Subject | None) -> None:
    st.markdown(
        "The networks as they are built, from the picture on the left to the classes on the right. "
        "The difference between the rungs of the ladder is not the number of layers but which of "
        "them may learn, and where they start.",
        help=explain_all("layer", "frozen", "parameters", "head"),
    )
    class_count = _class_count(subject)
    entry = find_strategy(
        choose_in_list(
            Choice(
                "strategy",
                "Strategy",
                "strategy",
                {name: entry.title for name, entry in STRATEGIES.items()},
                FIRST_SHOWN,
                clears=("k",),
            )
        )
    )
    preset, size = _choose_preset_and_size(subject)
    settings = entry.resolve(preset, _choose_k(entry, preset))
    try:
        layers = entry.layers(settings, size, class_count)
        _show_network(entry, settings, size, layers)
    except BadInput as error:
        st.warning(escape_markdown(error))
    _show_all(preset, size, class_count)
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
    with right:
        size = choose_in_row(
            Choice(
                "size",
                "Image size (pixels)",
                "image size",
                {str(side): str(side) for side in sorted({*SIZES, usual, *own})},
                str(usual),
                clears=(),
            )
        )
    return preset, int(size)


def _choose_k(entry: Strategy, preset: str) -> dict[str, Value]:
    """What the address says of ``k``, for a strategy that has it."""
    setting = next((one for one in entry.settings if one.name == "k"), None)
    if setting is None:
        return {}
    names = [layer.name for layer in _backbone_of(entry, preset)]
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


def _backbone_of(entry: Strategy, preset: str) -> list[LayerRecord]:
    layers = entry.layers(entry.resolve(preset), PRESET_IMAGE_SIZES[preset], 2)
    return [layer for layer in layers if layer.part == BACKBONE_PART]


def _show_network(
    entry: Strategy, settings: dict[str, Value], size: int, layers: tuple[LayerRecord, ...]
) -> None:
    st.subheader(escape_markdown(entry.title))
    st.markdown(escape_markdown(entry.teaches))
    if not layers:
        st.markdown(
            "There is no network to draw: it counts the labels of the training images, and never "
            "looks at a picture."
        )
        return
    outline = entry.describe(settings, size)
    network = architecture_chart(entry, layers, outline)
    show_exhibit(network, f"network.{entry.name}", table=False)
    st.caption(
        "As tall as the picture is wide at that layer, and wider the more channels it has. A row "
        "of numbers is as tall as the square that would hold as many. Layers that only pass on "
        "(dropout) are not drawn."
    )
    parameters = parameters_chart(entry.name, layers)
    st.markdown(f"**{escape_markdown(parameters.words)}**")
    if len(entry.fits(settings)) > 1:
        st.markdown(
            "The head is fitted alone first, on features that are computed once; then everything "
            "that is not frozen is trained together."
        )
    show_exhibit(parameters, f"parameters.{entry.name}", table=False)
    with st.expander(count_text(len(layers), "layer"), icon=":material/table:"):
        st.markdown(escape_markdown(outline))
        st.dataframe(
            network.frame,
            hide_index=True,
            column_config={
                "layer": st.column_config.TextColumn(pinned=True),
                "parameters": NUMBER,
                "k": st.column_config.NumberColumn(
                    help="How the setting k counts the layers: as Keras counts model.layers, the "
                    "input layer included."
                ),
            },
            placeholder="—",
            key=f"layers.{entry.name}",
            alt=f"The layers of {entry.title}, one line each.",
        )


def _show_all(preset: str, size: int, class_count: int) -> None:
    st.subheader("All strategies side by side")
    frame = strategies_frame(preset, size, class_count)
    numbers = [name for name in frame.columns if name not in ("strategy", "fits")]
    st.dataframe(
        frame,
        hide_index=True,
        column_config=dict.fromkeys(numbers, NUMBER)
        | {
            "strategy": st.column_config.TextColumn(pinned=True),
            "fits": st.column_config.TextColumn(f"fits {size} pixels"),
        },
        placeholder="—",
        key="networks",
        alt="Parameters of each strategy: frozen, trained from ImageNet, trained from nothing.",
    )
    st.caption(
        f"With the preset {preset}, {size} × {size} pixels and {count_text(class_count, 'class')}."
    )
