"""A network in one line of words, made from its layer records."""

from itertools import groupby

from core.layers.record import BACKBONE_PART, LayerRecord


def outline_of(layers: tuple[LayerRecord, ...]) -> str:
    """The backbone as one thing, blocks that repeat counted and described once."""
    steps: list[str] = []
    for part, members in groupby(layers, key=lambda layer: layer.part):
        found = list(members)
        steps += [_backbone_words(found)] if part == BACKBONE_PART else _folded(found)
    return " → ".join(steps)


def _backbone_words(layers: list[LayerRecord]) -> str:
    frozen = sum(layer.frozen for layer in layers)
    if frozen == len(layers):
        state = " (frozen)"
    elif frozen:
        state = f" (first {frozen} layers frozen)"
    elif any(layer.origin == "random" for layer in layers):
        state = " from random weights"
    else:
        state = " from ImageNet"
    return layers[0].words + state


def _folded(layers: list[LayerRecord]) -> list[str]:
    """The words of each block; equal neighbours are described once, with their number."""
    blocks = [
        tuple(layer.words for layer in members if layer.words)
        for _, members in groupby(layers, key=lambda layer: layer.group or layer.name)
    ]
    steps: list[str] = []
    for words, equal in groupby(block for block in blocks if block):
        count = len(list(equal))
        if count == 1:
            steps += words
        elif len(words) == 1:
            steps.append(f"{count} × {words[0]}")
        else:
            steps.append(f"{count} × ({', '.join(words)})")
    return steps
