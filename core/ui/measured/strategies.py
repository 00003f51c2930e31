"""How it is measured: the strategies, each with its network drawn from the registry, and the
settings of good practice."""

import pandas as pd
import streamlit as st

from core.analysis.comparison import title_of
from core.charts.architecture import architecture_chart, parameters_chart, strategies_frame
from core.errors import BadInput
from core.experiments.planning import PRESET_IMAGE_SIZES
from core.layers.record import BACKBONE_PART, LayerRecord
from core.strategies.augmentation import AUGMENTATION_SETTINGS, LEVELS
from core.strategies.best import BEST
from core.strategies.registry import find_strategy, names_with, offered_strategies
from core.strategies.settings import PRACTICE_SETTINGS, PRESETS, Setting, Value
from core.strategies.strategy import Role, Strategy
from core.text import count_text, escape_markdown
from core.ui.frame import reads
from core.ui.frame.address import Choice, choose_in_list, choose_in_row
from core.ui.frame.evidence_reads import Subject
from core.ui.frame.page import link_to
from core.ui.measured.document import Text, show_pairs
from core.ui.widgets.exhibit import show_exhibit, show_table
from core.ui.widgets.forms import allowed_values
from core.ui.widgets.glossary import explain

SIZES = (32, 64, 96, 128, 160, 224)
PRACTICE = (*PRACTICE_SETTINGS, *AUGMENTATION_SETTINGS)
FIRST_SHOWN = names_with(Role.LINEAR_PROBE)[0]
K_HELP = (
    "How the setting k counts the layers: as Keras counts model.layers, the input layer included."
)


def show_strategies(subject: Subject | None) -> None:
    class_count = _class_count(subject)
    text = Text("strategies", classes=count_text(class_count, "class"))
    text.until("choices")
    titles = {name: entry.title for name, entry in offered_strategies().items()}
    chosen = Choice("strategy", "Strategy", "strategy", titles, FIRST_SHOWN, clears=("k",))
    entry = find_strategy(choose_in_list(chosen))
    preset, size = _choose_preset_and_size(subject)
    settings = entry.resolve(preset, _choose_k(entry, preset))
    try:
        layers = entry.layers(settings, size, class_count)
        outline = entry.describe(settings, size)
    except BadInput as error:
        st.warning(escape_markdown(error))
    else:
        text.until("network", title=entry.title, teaches=entry.teaches, no_network=not layers)
        if layers:
            _show_network(text, entry, layers, outline, len(entry.fits(settings)) > 1)
    text.until("all_strategies", preset=preset, size=size)
    frame = strategies_frame(preset, size, class_count).rename(
        columns={"fits": f"fits {size} pixels"}
    )
    alt = "Parameters of each strategy: frozen, trained from pre-trained values, trained "
    alt += "from random ones."
    # Counts stay whole numbers also where a strategy does not fit and has none.
    show_table(frame.convert_dtypes(), "networks", alt)
    text.until("link")
    link_to("ladder", "What each strategy teaches, and its settings")


def _show_network(
    text: Text, entry: Strategy, layers: tuple[LayerRecord, ...], outline: str, two_fits: bool
) -> None:
    drawn = architecture_chart(entry, layers, outline)
    show_exhibit(drawn, f"network.{entry.name}", table=False)
    parameters = parameters_chart(entry.name, layers)
    text.until("layers", network=True, parameters=parameters.words, two_fits=two_fits)
    show_exhibit(parameters, f"parameters.{entry.name}", table=False)
    with st.expander(count_text(len(layers), "layer"), icon=":material/table:"):
        st.markdown(escape_markdown(outline))
        alt = f"The layers of {entry.title}, one line each."
        show_table(drawn.frame, f"layers.{entry.name}", alt, {"k": K_HELP})


def _class_count(subject: Subject | None) -> int:
    """Of the experiment, else of the first dataset that is here; 2 where there is none."""
    if subject is not None and subject.experiment.spec.classes:
        return len(subject.experiment.spec.classes)
    datasets = reads.datasets()
    return len(datasets[0].classes) if datasets else 2


def _choose_preset_and_size(subject: Subject | None) -> tuple[str, int]:
    left, right = st.columns(2)
    presets = {name: name for name in PRESETS}
    own_preset = subject.experiment.spec.preset if subject else PRESETS[0]
    preset_choice = Choice(
        "preset", "Preset", "preset", presets, own_preset, explain("preset"), clears=("size", "k")
    )
    with left:
        preset = choose_in_row(preset_choice)
    usual = PRESET_IMAGE_SIZES[preset]
    own_size = [subject.experiment.spec.image_size] if subject else []
    sizes = {str(size): str(size) for size in sorted({*SIZES, usual, *own_size})}
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
    default, meaning = str(setting.value_for(preset)), escape_markdown(setting.help)
    kind = "number of frozen layers"
    return {
        "k": int(
            choose_in_list(Choice("k", setting.title, kind, options, default, meaning, clears=()))
        )
    }


def show_practice(subject: Subject | None) -> None:
    text = Text("practice")
    text.until("practice")
    meanings = {
        f"{setting.title} ({setting.name})": f"{setting.help} Allowed: {allowed_values(setting)}."
        for setting in PRACTICE
    }
    show_pairs(meanings, "setting", "what it does, and what it may be")
    chosen = _practice_of(subject) if subject else ""
    text.until("best", all_off=subject is not None and not chosen, chosen=chosen or None)
    names = list(dict.fromkeys(name for values in BEST.values() for name in values))
    columns = {
        str(role): [
            f"{values[name]:g}" if isinstance(values[name], float) else str(values[name])
            for name in names
        ]
        for role, values in BEST.items()
    }
    alt = "The settings of the preset best that differ from quick, by the role of a strategy."
    show_table(pd.DataFrame({"setting": names} | columns), "best", alt)
    text.until("levels")
    amounts = {
        "rotation (degrees)": [level.rotation for level in LEVELS.values()],
        "shift (% of the size)": [100 * level.shift for level in LEVELS.values()],
        "zoom (%)": [100 * level.zoom for level in LEVELS.values()],
        "contrast (%)": [100 * level.contrast for level in LEVELS.values()],
        "brightness (% of the range)": [100 * level.brightness for level in LEVELS.values()],
    }
    alt = "The largest change in either direction at each level of augmentation."
    show_table(pd.DataFrame({"level": list(LEVELS)} | amounts), "augmentation", alt)
    text.rest()


def _practice_of(subject: Subject) -> str:
    """The strategies that use it, each with the settings that are not off; empty if none does."""
    found = []
    for name, settings in subject.experiment.spec.strategies:
        used = [
            f"{setting.title.lower()} {_value_text(setting, settings[setting.name])}".rstrip()
            for setting in PRACTICE
            if settings.get(setting.name, setting.quick) != setting.quick
        ]
        if used:
            found.append(f"{title_of(name)} ({', '.join(used)})")
    return "; ".join(found)


def _value_text(setting: Setting, value: Value) -> str:
    if setting.kind == "bool":
        return ""  # it is on
    return f"{value} {setting.unit}"
