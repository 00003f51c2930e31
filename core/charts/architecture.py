"""A network drawn from its layers: which are frozen, which are trained, where they start."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log2, prod, sqrt

import pandas as pd
import plotly.graph_objects as go

from core.charts.exhibit import Exhibit
from core.charts.style import (
    LEGEND_ABOVE,
    MAJORITY_COLOUR,
    MARGIN,
    OUTLINE,
    UPRIGHT,
    appearance_of,
    empty_chart,
    white_pattern,
    zero_axis,
)
from core.errors import BadInput
from core.layers.record import BACKBONE_PART, LayerRecord
from core.strategies.registry import offered_strategies
from core.strategies.strategy import Strategy
from core.text import UNKNOWN, dimensions_text, escape_plotly, percent_text

# Bars: a step in width for each doubling of the channels, the gaps between layers and blocks,
# and the smallest height of a layer as a fraction of the tallest, so that it can be seen.
NARROWEST, WIDTH_A_DOUBLING = 0.5, 0.1
# Vectors are drawn further apart, or their labels would meet on a small screen.
GAP, BLOCK_GAP, ROW_GAP = 0.12, 0.55, 1.3
LEAST_HEIGHT = 0.025
# See-through grey: there is a layer, but nothing in it learns.
PALE = "rgba(140, 140, 140, 0.18)"
DRAWING_HEIGHT, PARAMETERS_HEIGHT, LEGEND_LINE = 400, 150, 20


@dataclass(frozen=True)
class LayerLook:
    """How layers of one state look: ``words`` for the legend, ``pattern`` repeats the colour.

    ``colour`` None is the strategy's own.
    """

    words: str
    pattern: str
    colour: str | None = None

    def bar(self, strategy: str) -> dict[str, object]:
        """Plotly's marker of a bar."""
        colour = self.colour or appearance_of(strategy).colour
        return {"color": colour, "line": OUTLINE, "pattern": white_pattern(self.pattern, 0.3, 6)}


# From the input of a network to its output.
LOOKS = {
    "none": LayerLook("nothing to learn", "", PALE),
    "frozen": LayerLook("frozen: stays as it was pre-trained", "/", MAJORITY_COLOUR),
    "tuned": LayerLook("trained, starting from pre-trained values", ""),
    "new": LayerLook("trained, starting from nothing", "."),
}


def state_of(layer: LayerRecord) -> str:
    """The key of ``LOOKS`` for a layer."""
    if not layer.parameters:
        return "none"
    if layer.frozen:
        return "frozen"
    return "tuned" if layer.origin == "pretrained" else "new"


def architecture_chart(strategy: Strategy, layers: Sequence[LayerRecord], outline: str) -> Exhibit:
    """The layers next to each other, from the image on the left to the classes on the right.

    A block is as tall as its output in pixels, and wider the more channels it has; a vector is as
    tall as the square that would hold as many numbers. Layers that change neither shape nor
    parameters (dropout) are left out. ``outline`` is the network in a line, for the words; the
    table has every layer.
    """
    drawn = drawn_layers(layers)
    if not drawn:
        words = f"{strategy.title} has no network: there is nothing to draw."
        return Exhibit(go.Figure(), words, pd.DataFrame())
    widths = [_width(layer.output) for layer in drawn]
    places = _places(drawn, widths)
    figure = empty_chart(
        DRAWING_HEIGHT,
        _labels(drawn, places) | {"tickangle": -50, "showgrid": False, "zeroline": False},
        {"visible": False},
        # The slanted label of the first layer leans out to the left.
        margin={"l": 40, "r": 8, "t": 72, "b": 72},
        legend=LEGEND_ABOVE,
        barmode="overlay",
    )
    heights = [side_of(layer.output) for layer in drawn]
    least = LEAST_HEIGHT * max(heights)
    for state, look in LOOKS.items():
        chosen = [number for number, layer in enumerate(drawn) if state_of(layer) == state]
        if not chosen:
            continue
        shown = [max(heights[number], least) for number in chosen]
        figure.add_bar(
            name=look.words,
            x=[places[number] for number in chosen],
            y=shown,
            base=[-height / 2 for height in shown],
            width=[widths[number] for number in chosen],
            marker=look.bar(strategy.name),
            customdata=[_hover(drawn[number]) for number in chosen],
            hovertemplate="%{customdata}<extra></extra>",
        )
    parts = "; ".join(
        f"{count:,} parameters {LOOKS[state].words}"
        for state, count in parameter_counts(layers).items()
    )
    return Exhibit(figure, f"{strategy.title}: {outline}. {parts}.", _layers_frame(layers))


def parameters_chart(strategy: str, layers: Sequence[LayerRecord]) -> Exhibit:
    """One bar to scale: how many parameters are frozen, trained further, and new."""
    counts = parameter_counts(layers)
    room = LEGEND_LINE * len(counts)
    figure = empty_chart(
        PARAMETERS_HEIGHT + room,
        zero_axis("parameters"),
        {"visible": False},
        margin=MARGIN | {"t": 24 + room},
        legend=LEGEND_ABOVE | UPRIGHT,
        barmode="stack",
    )
    for state, count in counts.items():
        look = LOOKS[state]
        figure.add_bar(
            name=f"{look.words}: {count:,}",
            x=[count],
            y=[""],
            orientation="h",
            marker=look.bar(strategy),
            hovertemplate=f"{count:,} parameters, {look.words}<extra></extra>",
        )
    total = sum(counts.values())
    trained = sum(layer.trained_parameters for layer in layers)
    words = f"{trained:,} of {total:,} parameters are trained ({percent_text(trained / total)})."
    if trained == total:
        words = f"All {total:,} parameters are trained."
    frame = pd.DataFrame(
        {"training": LOOKS[state].words, "parameters": count} for state, count in counts.items()
    )
    return Exhibit(figure, words, frame)


def parameter_counts(layers: Sequence[LayerRecord]) -> dict[str, int]:
    """Parameters in each state that has any, by the keys of ``LOOKS``."""
    counts = dict.fromkeys(LOOKS, 0)
    for layer in layers:
        counts[state_of(layer)] += layer.trained_parameters
        counts["frozen"] += layer.parameters - layer.trained_parameters
    return {state: count for state, count in counts.items() if count}


def strategies_frame(preset: str, image_size: int, class_count: int) -> pd.DataFrame:
    """One line a strategy with a preset's settings: how many parameters it has and which learn.

    A strategy that does not fit the image size (pixels) says so and has no numbers.
    """
    lines: list[dict[str, object]] = []
    for entry in offered_strategies().values():
        try:
            layers = entry.layers(entry.resolve(preset), image_size, class_count)
        except BadInput:
            lines.append({"strategy": entry.title, "fits": "no"})
            continue
        counts = parameter_counts(layers)
        lines.append(
            {
                "strategy": entry.title,
                "fits": "yes",
                "layers": len(layers),
                "parameters": sum(counts.values()),
                "frozen": counts.get("frozen", 0),
                "trained, from pre-trained values": counts.get("tuned", 0),
                "trained, from nothing": counts.get("new", 0),
            }
        )
    return pd.DataFrame(lines)


def drawn_layers(layers: Sequence[LayerRecord]) -> list[LayerRecord]:
    """Those with parameters, and those whose output has another shape than the one before."""
    shapes = [(), *(layer.output for layer in layers)]
    return [
        layer
        for layer, before in zip(layers, shapes, strict=False)
        if layer.parameters or layer.output != before
    ]


def side_of(shape: tuple[int, ...]) -> float:
    """Height of an image in pixels; of a vector the side of the square that holds its numbers."""
    return float(shape[0]) if len(shape) == 3 else sqrt(prod(shape))


def _layers_frame(layers: Sequence[LayerRecord]) -> pd.DataFrame:
    """One line a layer; ``k`` counts the backbone's layers as the setting of that name does."""
    frame = pd.DataFrame(
        {
            "layer": layer.name,
            "kind": layer.kind,
            "block": layer.group.replace("_", " ") or UNKNOWN,
            "output": dimensions_text(layer.output),
            "parameters": layer.parameters,
            "training": LOOKS[state_of(layer)].words,
            "starts from": layer.origin if layer.parameters else UNKNOWN,
        }
        for layer in layers
    )
    in_backbone = pd.Series([layer.part == BACKBONE_PART for layer in layers])
    return frame.assign(k=in_backbone.cumsum().astype("Int64").where(in_backbone))


def _width(shape: tuple[int, ...]) -> float:
    channels = shape[-1] if len(shape) == 3 else 1
    return NARROWEST + WIDTH_A_DOUBLING * log2(max(channels, 1))


def _places(drawn: Sequence[LayerRecord], widths: Sequence[float]) -> list[float]:
    """The middle of each layer, with gaps between blocks."""
    places: list[float] = []
    right = 0.0
    for number, (layer, width) in enumerate(zip(drawn, widths, strict=True)):
        if number:
            same = layer.group and layer.group == drawn[number - 1].group
            right += GAP if same else BLOCK_GAP if len(layer.output) > 1 else ROW_GAP
        places.append(right + width / 2)
        right += width
    return places


def _labels(drawn: Sequence[LayerRecord], places: Sequence[float]) -> dict[str, object]:
    """One word under each block, and under each layer that belongs to none."""
    numbered = zip(drawn, places, strict=True)
    ticks, texts = [], []
    for group, members in groupby(numbered, key=lambda entry: entry[0].group or entry[0].name):
        found = list(members)
        ticks.append((found[0][1] + found[-1][1]) / 2)
        texts.append(_label_of(group, [layer for layer, _ in found]))
    return {"tickvals": ticks, "ticktext": texts, "automargin": True}


def _label_of(group: str, layers: Sequence[LayerRecord]) -> str:
    first = layers[0]
    alone = len(layers) == 1
    if first.part == "image":
        return "picture"
    if first.name == "predictions":
        return f"softmax {first.output[0]:,}"
    if alone and first.kind == "Dense":
        return f"dense {first.output[0]:,}"
    if alone and first.kind in ("Flatten", "GlobalAveragePooling2D"):
        return f"row {first.output[0]:,}"
    # Keras writes block1, our own networks block_1.
    return escape_plotly(re.sub(r"[_ ]*(\d+)$", r" \1", group))


def _hover(layer: LayerRecord) -> str:
    origin = "" if layer.origin == "none" else f"<br>starts from {layer.origin}"
    return (
        f"{escape_plotly(layer.name)} ({escape_plotly(layer.kind)})<br>"
        f"{dimensions_text(layer.output)}<br>{layer.parameters:,} parameters, "
        f"{LOOKS[state_of(layer)].words}{origin}"
    )
