"""Charts of what is known before training: probes, blocks, more images, the four scenarios."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.analysis.advice.facts import BackboneFacts, Blocks, Estimate, Facts
from core.analysis.advice.placing import MANY_A_CLASS, FoundHere, Placement
from core.analysis.words.advice import (
    describe_similarity,
    estimate_words,
    named_words,
    scenario_words,
)
from core.analysis.words.verdicts import interval_words, points_words
from core.backbones.registry import BACKBONES
from core.charts.exhibit import Exhibit
from core.charts.style import (
    DOTTED,
    FLAT_MARGIN,
    GREY,
    LEGEND_BELOW,
    MARGIN,
    OUTLINE,
    PALETTE,
    add_majority_line,
    chart_of_rows,
    count_axis,
    empty_chart,
    hundredfold,
    percent_axis,
    row_label,
    whisker,
    whiskers,
)
from core.text import count_text, escape_plotly, percent_text

HEIGHT = 400
# The two classifiers of a row are drawn above and below its middle, so that neither hides the
# other.
OFFSET = 0.17
PROBE, NEIGHBOURS = ("linear probe", "circle"), ("nearest neighbours", "diamond-open")
# Labels of a log axis touch where their counts are less than this factor apart.
APART = 1.25
ACCURACY = "images right in the quick test (%)"


def probes_chart(facts: Facts) -> Exhibit:
    """Each backbone, the best at the top: probe and neighbours with their intervals, the majority
    class as a line."""
    rows = facts.backbones[::-1]
    figure = chart_of_rows(
        [row_label(one.title, percent_text(one.probe.accuracy)) for one in rows],
        percent_axis(ACCURACY, 103),
        room=40,
        legend=LEGEND_BELOW,
    )
    for name, symbol in (PROBE, NEIGHBOURS):
        figure.add_scatter(
            name=name, x=[None], y=[None], mode="markers", marker=_marker(GREY, symbol)
        )
    for place, one in enumerate(rows):
        for (name, symbol), found, offset in (
            (PROBE, one.probe, OFFSET),
            (NEIGHBOURS, one.neighbours, -OFFSET),
        ):
            figure.add_scatter(
                x=[100 * found.accuracy],
                y=[place + offset],
                mode="markers",
                showlegend=False,
                cliponaxis=False,
                marker=_marker(_colour(one), symbol),
                error_x=_bar(found) | {"color": _colour(one)},
                hovertemplate=(
                    f"{escape_plotly(one.title)}<br>{name}: {escape_plotly(estimate_words(found))}"
                    "<extra></extra>"
                ),
            )
    majority = facts.majority_accuracy
    text = f"majority class: {percent_text(majority)}"
    add_majority_line(figure, 100 * majority, text, majority >= 0.5)
    words = "; ".join(
        f"{one.title} {PROBE[0]} {estimate_words(one.probe)}, {NEIGHBOURS[0]} "
        f"{estimate_words(one.neighbours)}"
        for one in facts.backbones
    )
    frame = pd.DataFrame(
        {
            "backbone": one.title,
            "probe (%)": 100 * one.probe.accuracy,
            "probe, low (%)": 100 * one.probe.low,
            "probe, high (%)": 100 * one.probe.high,
            "behind the best (points)": hundredfold(one.behind.difference) if one.behind else None,
            "low (points)": hundredfold(one.behind.low) if one.behind else None,
            "high (points)": hundredfold(one.behind.high) if one.behind else None,
            "neighbours (%)": 100 * one.neighbours.accuracy,
            "neighbours, low (%)": 100 * one.neighbours.low,
            "neighbours, high (%)": 100 * one.neighbours.high,
        }
        for one in facts.backbones
    )
    return Exhibit(figure, f"{text.capitalize()}. {words}.", frame)


def blocks_chart(facts: Facts, blocks: Blocks, placement: Placement) -> Exhibit:
    """The probe on each block of a network, from the first to the last; the block to freeze up to
    is marked."""
    numbers = [block.number for block in blocks.blocks]
    figure = empty_chart(
        HEIGHT,
        {
            "title": f"block of {escape_plotly(blocks.title)}",
            "tickvals": numbers,
            "range": [numbers[0] - 0.4, numbers[-1] + 0.4],
        },
        percent_axis(ACCURACY),
    )
    colour = BACKBONES[blocks.backbone].colour if blocks.backbone in BACKBONES else GREY
    found = [block.probe for block in blocks.blocks]
    figure.add_scatter(
        x=numbers,
        y=[100 * one.accuracy for one in found],
        mode="lines+markers+text",
        text=[percent_text(one.accuracy) for one in found],
        textposition="bottom right",  # above stands which block to freeze up to
        cliponaxis=False,
        line={"color": colour, "width": 2},
        marker=_marker(colour, PROBE[1]),
        error_y=_bars(found) | {"color": colour},
        hovertext=[
            f"block {block.number}: {estimate_words(block.probe)}" for block in blocks.blocks
        ],
        hoverinfo="text",
    )
    if placement.frozen_block is not None:
        figure.add_vline(x=placement.frozen_block, line=DOTTED)
        figure.add_annotation(
            x=placement.frozen_block,
            y=1,
            yref="paper",
            yanchor="bottom",
            showarrow=False,
            text=f"freeze up to here: k = {placement.frozen_layers}",
        )
    words = "; ".join(f"block {one.number} {estimate_words(one.probe)}" for one in blocks.blocks)
    frame = pd.DataFrame(
        {
            "block": block.number,
            "last layer": block.layer,
            "layers up to it (k)": block.frozen_layers,
            "probe (%)": 100 * block.probe.accuracy,
            "low (%)": 100 * block.probe.low,
            "high (%)": 100 * block.probe.high,
            "behind the best (points)": hundredfold(block.behind.difference)
            if block.behind
            else None,
            "behind, low (points)": hundredfold(block.behind.low) if block.behind else None,
            "behind, high (points)": hundredfold(block.behind.high) if block.behind else None,
        }
        for block in blocks.blocks
    )
    return Exhibit(figure, f"{blocks.title}: {words}. {describe_similarity(facts)}", frame)


def growth_chart(facts: Facts) -> Exhibit:
    """The probe on ever more images, a line for each backbone."""
    counts = [float(point.images) for one in facts.backbones for point in one.curve]
    axis = count_axis("training images", counts)
    shown = _apart(sorted({int(count) for count in counts}))
    axis |= {"tickvals": shown, "ticktext": [f"{count:,}" for count in shown]}
    axis["range"] = [math.log10(min(counts)) - 0.1, math.log10(max(counts)) + 0.1]
    ends = [
        100 * end
        for one in facts.backbones
        for point in one.curve
        for end in (point.probe.low, point.probe.high)
    ]
    figure = empty_chart(
        HEIGHT,
        axis,
        percent_axis(ACCURACY, max(ends) + 3, min(ends) - 3),
        margin=MARGIN | {"t": 24},
        legend=LEGEND_BELOW,
    )
    for one in facts.backbones:
        figure.add_scatter(
            name=escape_plotly(one.title),
            x=[point.images for point in one.curve],
            y=[100 * point.probe.accuracy for point in one.curve],
            mode="lines+markers",
            cliponaxis=False,
            line={"color": _colour(one), "width": 2},
            marker=_marker(_colour(one), PROBE[1]),
            error_y=_bars([point.probe for point in one.curve]) | {"color": _colour(one)},
            hovertext=[
                f"{escape_plotly(one.title)}, {count_text(point.images, 'image')}: "
                f"{estimate_words(point.probe)}"
                for point in one.curve
            ],
            hoverinfo="text",
        )
    words = "; ".join(
        f"{one.title} "
        + ", ".join(
            f"{percent_text(point.probe.accuracy)} of {point.images:,}" for point in one.curve
        )
        for one in facts.backbones
    )
    frame = pd.DataFrame(
        {
            "backbone": one.title,
            "images": point.images,
            "probe (%)": 100 * point.probe.accuracy,
            "low (%)": 100 * point.probe.low,
            "high (%)": 100 * point.probe.high,
        }
        for one in facts.backbones
        for point in one.curve
    )
    return Exhibit(figure, f"Accuracy of the probe by number of images: {words}.", frame)


@dataclass(frozen=True)
class Lying:
    """A dataset by its name, with its facts, for ``scenarios_chart``; ``is_chosen``: the one that
    the page is about."""

    name: str
    facts: Facts
    placement: Placement
    is_chosen: bool


def scenarios_chart(datasets: Sequence[Lying]) -> Exhibit:
    """Where datasets lie: training images a class across, and up how much the last block is ahead
    of the best block before it. Dotted lines part the four scenarios."""
    shown = [(one, one.facts.blocks) for one in datasets if one.facts.blocks is not None]
    counts = [float(MANY_A_CLASS), *(one.placement.images_a_class for one, _ in shown)]
    ends = [100 * end for _, blocks in shown for end in (blocks.gain.low, blocks.gain.high)]
    figure = empty_chart(
        HEIGHT,
        count_axis("training images a class", counts),
        {
            "title": "last block ahead (points)",
            "range": [min([-8.0, *ends]) - 4, max([8.0, *ends]) + 4],
            "zeroline": False,
        },
        margin=FLAT_MARGIN,
    )
    figure.add_hline(y=0, line=DOTTED)
    figure.add_vline(x=MANY_A_CLASS, line=DOTTED)
    for size, x in (("few", 0.01), ("many", 0.99)):
        for likeness, y in (("alike", 0.98), ("unlike", 0.02)):
            figure.add_annotation(
                x=x,
                y=y,
                xref="paper",
                yref="paper",
                xanchor="left" if size == "few" else "right",
                text=f"{size}, {likeness}",
                showarrow=False,
            )
    for one, blocks in shown:
        gain, colour = blocks.gain, PALETTE[0] if one.is_chosen else GREY
        name = escape_plotly(one.name)
        figure.add_scatter(
            x=[one.placement.images_a_class],
            y=[100 * gain.difference],
            mode="markers+text",
            text=[f"<b>{name}</b>" if one.is_chosen else name],
            textposition="middle right",
            marker=_marker(colour, "star" if one.is_chosen else "circle"),
            error_y=whisker(100 * gain.difference, 100 * gain.low, 100 * gain.high),
            hovertemplate=(
                f"{name}<br>{points_words(gain.difference)} "
                f"({interval_words(gain.low, gain.high)})<extra></extra>"
            ),
        )
    words = "; ".join(
        f"{one.name}: {round(one.placement.images_a_class):,} training images a "
        f"class, the last block {points_words(blocks.gain.difference)} ahead "
        f"({interval_words(blocks.gain.low, blocks.gain.high)}), {scenario_words(one.placement)}"
        for one, blocks in shown
    )
    frame = pd.DataFrame(
        {
            "dataset": one.name,
            "training images a class": one.placement.images_a_class,
            "last block ahead (points)": 100 * blocks.gain.difference,
            "low (points)": 100 * blocks.gain.low,
            "high (points)": 100 * blocks.gain.high,
            "case": scenario_words(one.placement),
        }
        for one, blocks in shown
    )
    return Exhibit(figure, f"{words}." if shown else "No dataset has been measured yet.", frame)


def found_frame(found: Sequence[FoundHere]) -> pd.DataFrame:
    """One line a dataset: where it lies, what was best on its test images, and whether the rule
    names that."""
    return pd.DataFrame(
        {
            "dataset": one.experiment.spec.dataset_name,
            "training images": one.experiment.spec.images.get("train"),
            "case": scenario_words(one.placement),
            "best strategy": one.result.best,
            "test accuracy (%)": 100 * one.result.accuracy,
            "low (%)": 100 * one.result.low,
            "high (%)": 100 * one.result.high,
            "over majority (points)": 100 * one.result.gain,
            "more than luck": "yes" if one.result.is_better else "no",
            "cheapest as good": one.result.cheapest or "none",
            "named by the rule": named_words(one),
            "experiment": one.experiment.id,
        }
        for one in found
    )


def _apart(counts: Sequence[int]) -> list[int]:
    """Of rising counts those that are so far apart on a log axis that their labels do not touch,
    the largest among them."""
    kept: list[int] = []
    for count in reversed(counts):
        if not kept or kept[-1] >= APART * count:
            kept.append(count)
    return kept[::-1]


def _colour(one: BackboneFacts) -> str:
    return BACKBONES[one.name].colour if one.name in BACKBONES else GREY


def _marker(colour: str, symbol: str) -> dict[str, object]:
    look: dict[str, object] = {"color": colour, "symbol": symbol, "size": 12}
    return look if symbol.endswith("-open") else look | {"line": OUTLINE}


def _bar(found: Estimate) -> dict[str, object]:
    return whiskers([100 * found.accuracy], [100 * found.low], [100 * found.high])


def _bars(found: Sequence[Estimate]) -> dict[str, object]:
    return whiskers(
        [100 * one.accuracy for one in found],
        [100 * one.low for one in found],
        [100 * one.high for one in found],
    )
