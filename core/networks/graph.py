"""A Keras network as a flat list of calls, models inside it opened; it may branch.

With the list one can stop at any layer, put something else in its place, and go on from there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

IMAGES = -1
"""The number of what goes into the network."""


@dataclass(frozen=True)
class Ref:
    """Stands for the output of the call of that number, or for ``IMAGES``."""

    number: int


@dataclass(frozen=True)
class Step:
    """One call: ``layer(*arguments, **options)``, with ``Ref``s in place of tensors."""

    layer: Any
    arguments: tuple[Any, ...]
    options: Mapping[str, Any]

    @property
    def inputs(self) -> frozenset[int]:
        """Numbers of the outputs that it takes."""
        import keras

        leaves = keras.tree.flatten([self.arguments, dict(self.options)])
        return frozenset(leaf.number for leaf in leaves if isinstance(leaf, Ref))


def steps_of(model: Any) -> list[Step]:
    """The calls of a functional model in an order in which they can be made; the last one gives
    the output."""
    steps: list[Step] = []
    _add_steps(model, Ref(IMAGES), steps)
    return steps


def _add_steps(model: Any, given: Ref, steps: list[Step]) -> Ref:
    import keras

    def noting(layer: Any) -> Callable[..., Ref]:
        def note(*arguments: Any, **options: Any) -> Ref:
            if isinstance(layer, keras.Model):
                return _add_steps(layer, arguments[0], steps)
            steps.append(Step(layer, arguments, options))
            return Ref(len(steps) - 1)

        return note

    # Keras' own way to call every layer of a graph (clone_model uses it); there is no public one.
    return model._run_through_graph(given, operation_fn=noting)


def multiply_adds(network: Any) -> int:
    """Of the convolutions and dense layers of a Keras network, for one image.

    Each weight of a kernel is used once at each place of the output. Biases, normalisation,
    activations and pooling are left out, as in published figures. Counted on the network itself:
    a layer record may stand for a whole block.
    """
    return sum(
        prod(step.layer.kernel.shape) * prod(step.layer.output.shape[1:-1])
        for step in steps_of(network)
        if hasattr(step.layer, "kernel")
    )


def run_steps(
    steps: Sequence[Step],
    outputs: Mapping[int, Any],
    first: int = 0,
    stop: int | None = None,
    call: Callable[..., Any] = lambda layer, *arguments, **options: layer(*arguments, **options),
) -> dict[int, Any]:
    """Make the calls from number ``first`` to ``stop`` (exclusive; None: to the end).

    ``outputs`` holds what is there already, by number (``IMAGES`` for the images). Returned are
    the last output and what later calls take, by number; the rest is let go as early as possible.
    ``call(layer, ...)`` makes one call.
    """
    import keras

    last_use = {number: place for place, step in enumerate(steps) for number in step.inputs}
    known = dict(outputs)
    for place in range(first, len(steps) if stop is None else stop):
        step = steps[place]
        arguments, options = keras.tree.map_structure(
            lambda leaf: known[leaf.number] if isinstance(leaf, Ref) else leaf,
            (step.arguments, dict(step.options)),
        )
        known[place] = call(step.layer, *arguments, **options)
        for number in step.inputs:
            if last_use[number] == place:
                del known[number]
    return known
