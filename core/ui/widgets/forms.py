"""Forms that draw themselves from the registry: settings of strategies, and the shared choices."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from core.backbones.registry import SHIPPED
from core.datasets.choices import DEFAULT_TEST_FRACTION, DEFAULT_VALIDATION_FRACTION, RESIZES
from core.errors import BadInput
from core.experiments.planning import PRESET_IMAGE_SIZES
from core.experiments.records import ExperimentSpec
from core.settings import PRECISIONS
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.settings import PRESETS, Setting, Value
from core.strategies.strategy import Strategy
from core.text import count_text, escape_markdown
from core.training.spec import LARGEST_IMAGE_SIZE, SMALLEST_IMAGE_SIZE
from core.ui.frame.address import in_text_colour
from core.ui.widgets.glossary import explain

CHOSEN_AT_FIRST = tuple(name for name, entry in STRATEGIES.items() if entry.default_chosen)
MOST_SEEDS = 10
PRESET_HELP = {
    "quick": "Small pictures and few epochs: minutes on two processor cores.",
    "article": "The tutorial's own sizes, epochs and batches: hours without a graphics card.",
    "best": "What a careful practitioner would run: augmentation, early stopping and a schedule of "
    "the learning rate. Meant for a graphics card.",
}


# In the address: settings that differ from the preset, ``strategy.setting=value`` and commas.
OVERRIDES = "set"

# What the fields of the split hold at first, in percent.
DEFAULT_SPLIT: dict[str, int | bool] = {
    "use_given": True,
    "test": round(100 * DEFAULT_TEST_FRACTION),
    "validation": round(100 * DEFAULT_VALIDATION_FRACTION),
    "seed": 0,
}


@dataclass
class Choices:
    """What the form holds; ``overrides`` only where it differs from the preset."""

    preset: str = "quick"
    image_size: int = 96
    seeds: tuple[int, ...] = (0,)
    resize: str = "stretch"
    precision: str = "auto"
    split: dict[str, Any] = field(default_factory=dict)
    strategies: list[str] = field(default_factory=list)
    overrides: dict[str, Value] = field(default_factory=dict)


def choose_shared(has_own_split: bool) -> Choices:
    """Preset, image size, seeds; folded: split, resizing, precision.

    ``has_own_split`` says whether the dataset came with a split that can be used.
    """
    choices = Choices()
    columns = st.columns(3, gap="medium")
    st.session_state.setdefault("preset", "quick")
    preset = columns[0].segmented_control(
        "Preset",
        PRESETS,
        format_func=in_text_colour,
        required=True,
        key="preset",
        help=f"{explain('preset')} Each setting can still be changed below.",
    )
    choices.preset = preset or "quick"
    columns[0].caption(PRESET_HELP[choices.preset])
    st.session_state.setdefault(f"image_size.{choices.preset}", PRESET_IMAGE_SIZES[choices.preset])
    choices.image_size = int(
        columns[1].number_input(
            "Image size (pixels)",
            min_value=SMALLEST_IMAGE_SIZE,
            max_value=LARGEST_IMAGE_SIZE,
            step=16,
            key=f"image_size.{choices.preset}",
            help="Width and height of the square picture that every strategy sees. Time grows with "
            "the square of it: 224 takes about five times as long as 96. Pre-trained networks need "
            f"{max(one.smallest_size for one in SHIPPED.values())} or more.",
        )
    )
    st.session_state.setdefault("seed_count", 1)
    count = columns[2].number_input(
        "Number of seeds",
        min_value=1,
        max_value=MOST_SEEDS,
        key="seed_count",
        help="How often each strategy is trained, each time from another random start. The split "
        "stays the same. Three show how much of a difference is luck; time grows with them.",
    )
    choices.seeds = tuple(range(int(count)))
    with st.expander("Split, resizing, precision", icon=":material/tune:"):
        _choose_folded(choices, has_own_split)
    return choices


def _choose_folded(choices: Choices, has_own_split: bool) -> None:
    for name, value in DEFAULT_SPLIT.items():
        st.session_state.setdefault(f"split.{name}", value)
    use_given = has_own_split and st.toggle(
        "Use the split that came with it",
        key="split.use_given",
        help="The dataset's own test pictures are scored, so results can be compared with those "
        "of others. Training pictures that are also in test are left out. Off: Headstart splits "
        "the pictures.",
    )
    left, middle, right = st.columns(3, gap="medium")
    test = left.number_input(
        "Test images (%)",
        5,
        60,
        key="split.test",
        disabled=use_given,
        help="Held out until the end and scored once. The tutorial holds out 30 %.",
    )
    validation = middle.number_input(
        "Validation images (%)",
        2,
        40,
        key="split.validation",
        help="Held out to choose the best epoch. The rest is trained on.",
    )
    seed = right.number_input(
        "Split seed",
        0,
        2**31 - 1,
        key="split.seed",
        help="Another number splits the images differently. All strategies share one split.",
    )
    choices.split = {"test": test / 100, "validation": validation / 100, "seed": int(seed)}
    if has_own_split:
        choices.split["use_given"] = use_given
    choices.resize = left.selectbox(
        "Resizing",
        RESIZES,
        key="resize",
        help="How a picture becomes square: stretch (the tutorial's), pad with white, or crop "
        "the centre.",
    )
    choices.precision = middle.selectbox(
        "Precision",
        PRECISIONS,
        key="precision",
        help=f"{explain('number format')} auto takes the fastest that suits this machine, the same "
        "for all strategies.",
    )


def fill_form(spec: ExperimentSpec) -> None:
    """Make the form begin with the choices of an experiment, where they still exist."""
    filled: dict[str, Any] = {
        "preset": spec.preset,
        f"image_size.{spec.preset}": spec.image_size,
        "seed_count": min(len(spec.seeds), MOST_SEEDS),
        "resize": spec.resize,
        "precision": spec.precision,
        "split.use_given": spec.split.use_given,
        "split.test": round(100 * spec.split.test),
        "split.validation": round(100 * spec.split.validation),
        "split.seed": spec.split.seed,
    }
    of_it = dict(spec.strategies)
    for name, entry in STRATEGIES.items():
        filled[f"choose.{name}"] = name in of_it
        for setting in entry.settings if name in of_it else ():
            if setting.name in of_it[name]:
                value = of_it[name][setting.name]
                filled[f"{spec.preset}.{name}.{setting.name}"] = (
                    float(value) if setting.kind == "float" else value
                )
    st.session_state.update(filled)


def written_overrides(settings: Mapping[str, int]) -> str:
    """Whole-numbered settings as the address has them."""
    return ",".join(f"{name}={value}" for name, value in settings.items())


def fill_overrides() -> None:
    """Make the form begin with the settings that the address names, once, in every preset; a
    warning says which of them do not exist, or cannot be so."""
    text = st.query_params.get(OVERRIDES, "")
    if st.session_state.get(OVERRIDES) == text:
        return
    st.session_state[OVERRIDES] = text
    for part in filter(None, text.split(",")):
        key, _, written = part.partition("=")
        name, _, setting = key.partition(".")
        try:
            value = find_strategy(name).resolve(PRESETS[0], {setting: written})[setting]
        except BadInput as error:
            st.warning(f"The link names a setting: {escape_markdown(error)}")
            continue
        for preset in PRESETS:
            st.session_state[f"{preset}.{name}.{setting}"] = value


def choose_settings(entry: Strategy, choices: Choices) -> None:
    """The folded settings of a chosen strategy; what differs from the preset is
    put into ``choices``."""
    if not entry.settings:
        return
    # Drawn on demand: the folded settings of all strategies took most of the page's time.
    folded = st.expander(
        count_text(len(entry.settings), "setting"),
        icon=":material/tune:",
        key=f"settings.{choices.preset}.{entry.name}",
        on_change="rerun",
    )
    with folded:
        values = _choose_settings(entry, choices.preset, is_open=bool(folded.open))
        if folded.open:
            try:
                st.caption(escape_markdown(entry.describe(values, choices.image_size)))
            except BadInput as error:
                st.warning(escape_markdown(error))
    choices.overrides |= {
        f"{entry.name}.{setting.name}": values[setting.name]
        for setting in entry.settings
        if values[setting.name] != setting.value_for(choices.preset)
    }


def chosen_settings(choices: Choices) -> dict[str, dict[str, Value]]:
    """The complete settings of each chosen strategy."""
    return {
        name: find_strategy(name).resolve(
            choices.preset,
            {
                key.removeprefix(f"{name}."): value
                for key, value in choices.overrides.items()
                if key.startswith(f"{name}.")
            },
        )
        for name in choices.strategies
    }


def _choose_settings(entry: Strategy, preset: str, is_open: bool) -> dict[str, Value]:
    """The chosen values; their widgets are drawn where ``is_open``."""
    columns = st.columns(2, gap="medium") if is_open else ()
    values: dict[str, Value] = {}
    for number, setting in enumerate(entry.settings):
        key, value = f"{preset}.{entry.name}.{setting.name}", _typed(setting, preset)
        if key not in st.session_state or not is_open:
            # Streamlit forgets the value of a widget that is not drawn, unless it is stored again.
            st.session_state[key] = st.session_state.get(key, value)
        if is_open:
            with columns[number % len(columns)]:
                _choose_setting(setting, value, key)
        values[setting.name] = st.session_state[key]
    return values


def _typed(setting: Setting, preset: str) -> Value:
    """The preset's value, in the one type that Streamlit wants of value, bounds and step."""
    value = setting.value_for(preset)
    return float(value) if setting.kind == "float" else value


def _choose_setting(setting: Setting, value: Value, key: str) -> None:
    label = f"{setting.title} ({setting.unit})" if setting.unit else setting.title
    meaning = escape_markdown(setting.help)
    low, high = setting.low or 0, setting.high or 0
    if setting.kind == "choice":
        st.selectbox(label, setting.choices, key=key, help=meaning)
    elif setting.kind == "bool":
        st.toggle(label, key=key, help=meaning)
    elif setting.kind == "int":
        st.number_input(label, int(low), int(high), step=1, key=key, help=meaning)
    else:
        step = _step_of(float(value))
        st.number_input(
            label, float(low), float(high), step=step, format="%g", key=key, help=meaning
        )


def _step_of(value: float) -> float:
    """What one press of plus adds: a unit of the value's leading digit, so 1e-4 for 3e-4."""
    return 10.0 ** math.floor(math.log10(value)) if value > 0 else 0.1


def allowed_values(setting: Setting) -> str:
    """What a setting may be, in words: ``1 to 1000 images``, ``same or valid``, ``yes or no``."""
    if setting.kind == "choice":
        return " or ".join(setting.choices)
    if setting.kind == "bool":
        return "yes or no"
    return f"{setting.low:g} to {setting.high:g}{' ' + setting.unit if setting.unit else ''}"


def show_settings(entry: Strategy) -> None:
    """The settings of a strategy as a table, folded."""
    with st.expander(count_text(len(entry.settings), "setting"), icon=":material/tune:"):
        st.dataframe(
            {
                "setting": [setting.title for setting in entry.settings],
                **{
                    preset: [str(setting.value_for(preset)) for setting in entry.settings]
                    for preset in PRESETS
                },
                "allowed": [allowed_values(setting) for setting in entry.settings],
                "what it does": [setting.help for setting in entry.settings],
            },
            hide_index=True,
            key=f"settings.{entry.name}",
            alt=f"The settings of {entry.title} with the values of each preset.",
        )
