"""A backbone of one's own: a network that was trained here, kept to stand under another one.

``HEADSTART_HOME/backbones/NAME/`` has ``backbone.json`` (``OwnBackbone``), ``arrays.json`` (shape
and digest of each array), ``weights.h5``, and ``images.npy`` (digests of the images that the
network has seen). A folder comes into place whole. One that old experiments still name keeps its
``backbone.json`` alone when it is removed, so that they can be shown.

Of a network that Headstart comes with only its name is kept; any other is kept layer by layer.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from core.backbones.backbone import Backbone, Preparation
from core.backbones.own_folder import WEIGHTS
from core.backbones.weights.digests import ArrayDigest, WeightSet
from core.errors import BadInput
from core.layers.record import LayerRecord, convolution, max_pooling
from core.text import count_text, percent_text, size_text

FORMAT: Literal[1] = 1
NAME_PATTERN = r"[a-z][a-z0-9_]{1,39}"
SMALLEST_SIZE, LARGEST_SIZE = 8, 512
# At which the work of networks is compared; larger where one takes no images as small as that.
USUAL_SIZE = 224
# The next one that is free is taken. Found as ``core.charts.style.MORE_COLOURS`` were: first of all
# they are apart from each other.
OWN_COLOURS = (
    *("#963CBE", "#F028F0", "#0096A0", "#DC0000"),
    *("#AA6478", "#FA3250", "#6E8246", "#D2328C"),
)

_Count = Annotated[int, Field(ge=0)]
_Fraction = Annotated[float, Field(ge=0, le=1)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OwnOrigin(_Record):
    """The run that a backbone comes from; ``test_accuracy`` (0 to 1) is that of the whole network
    there. ``started_from``: what it began with, in words; empty for random weights."""

    experiment: str
    run: str
    strategy: str
    strategy_title: str
    seed: _Count
    dataset_id: str
    dataset_name: str
    classes: _Count
    image_size: _Count
    train_images: _Count
    test_images: _Count
    test_accuracy: _Fraction
    started_from: str = ""

    @property
    def words(self) -> str:
        """Where it comes from, in two sentences."""
        start = f"It started from {self.started_from}." if self.started_from else ""
        return (
            f"Trained on {self.dataset_name} ({count_text(self.train_images, 'image')} of "
            f"{count_text(self.classes, 'class')}, {self.image_size} pixels) as "
            f"{self.strategy_title}, seed {self.seed}, in experiment {self.experiment}: "
            f"{percent_text(self.test_accuracy)} of {self.test_images:,} test images correct "
            f"there. {start}"
        ).rstrip()

    @property
    def short(self) -> str:
        """The same for a cell of a table."""
        return (
            f"{self.dataset_name}, experiment {self.experiment}, {self.strategy} seed {self.seed}, "
            f"{percent_text(self.test_accuracy)} there"
        )


class OwnLayer(_Record):
    """A layer without the sizes that follow from the image."""

    name: str
    kind: Literal["Conv2D", "MaxPooling2D"]
    options: dict[str, int | float | str | bool]


class OwnBackbone(_Record):
    """What is known of a backbone of one's own, without its weights.

    ``network``: the backbone of Headstart that has the same layers; empty where ``layers`` are
    kept. ``digest`` is over weights, layers and preparation. ``licence`` and ``attribution``
    concern weights of others that it started from. Moments are ISO 8601 in UTC; ``removed_at`` is
    empty for one that is in use.
    """

    format: Literal[1] = FORMAT
    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    title: Annotated[str, Field(min_length=1)]
    network: str
    layers: tuple[OwnLayer, ...]
    preparation: Preparation
    digest: str
    size_bytes: _Count
    colour: Annotated[str, Field(pattern="^#[0-9A-F]{6}$")]
    origin: OwnOrigin
    licence: str
    attribution: str
    made_at: str
    removed_at: str = ""


def digest_of(
    network: str,
    layers: Sequence[OwnLayer],
    preparation: Preparation,
    arrays: Mapping[str, ArrayDigest],
) -> str:
    """sha256 (hex) over all that decides which features a backbone gives."""
    document = {
        "network": network,
        "layers": [layer.model_dump(mode="json") for layer in layers],
        "preparation": asdict(preparation),
        "arrays": {name: [list(entry.shape), entry.sha256] for name, entry in arrays.items()},
    }
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stored_layers(records: Sequence[LayerRecord]) -> tuple[OwnLayer, ...]:
    """Layers as they are kept. Raises ``BadInput`` for one that is none of the known kinds."""
    known = tuple(_MAKERS)
    for record in records:
        if record.kind not in known or record.inputs:
            raise BadInput(
                f"The layer {record.name} ({record.kind}) cannot be part of a backbone; it takes "
                f"{' and '.join(known)} in a row.",
                "run",
            )
    return tuple(
        OwnLayer.model_validate({"name": one.name, "kind": one.kind, "options": dict(one.options)})
        for one in records
    )


def _convolution(before: LayerRecord, name: str, options: dict[str, Any]) -> LayerRecord:
    filters, kernel = options.pop("filters"), options.pop("kernel_size")
    return convolution(before, name, filters, kernel, **options)


def _pooling(before: LayerRecord, name: str, options: dict[str, Any]) -> LayerRecord:
    return max_pooling(before, name, options["pool_size"], options.get("strides"))


_MAKERS = {"Conv2D": _convolution, "MaxPooling2D": _pooling}


def _network(layers: tuple[OwnLayer, ...], title: str, side: int) -> tuple[LayerRecord, ...]:
    found = [LayerRecord("input_layer", "InputLayer", (side, side, 3), words=title)]
    for layer in layers:
        found.append(_MAKERS[layer.kind](found[-1], layer.name, dict(layer.options)))
    return tuple(found)


def _layers(
    layers: tuple[OwnLayer, ...], title: str, side: int, _include_top: bool
) -> tuple[LayerRecord, ...]:
    return _network(layers, title, side)


def _layers_like(
    network: Backbone, title: str, side: int, _include_top: bool
) -> tuple[LayerRecord, ...]:
    own, *others = network.layers(side, False)
    return (replace(own, words=title), *others)


def _multiply_adds(records: Sequence[LayerRecord]) -> int:
    """Each weight of a convolution at every place of its output."""
    return sum(
        (record.parameters - record.output[-1]) * record.output[0] * record.output[1]
        for record in records
        if record.kind == "Conv2D"
    )


def backbone_of(
    record: OwnBackbone,
    folder: Path,
    arrays: Mapping[str, ArrayDigest],
    shipped: Mapping[str, Backbone],
) -> Backbone:
    """The backbone whose files lie in ``folder``; ``arrays`` is empty where they are not there.

    ``shipped``: the backbones that Headstart comes with. Raises ``ValueError`` where they have no
    ``record.network``, or no image is large enough for its layers.
    """
    origin, title = record.origin, record.title
    weights = WeightSet(
        backbone=record.name,
        include_top=False,
        title=f"weights of {title} ({size_text(record.size_bytes)})",
        file_name=WEIGHTS,
        digest=record.digest,
        arrays=arrays,
        own_file=folder / WEIGHTS,
        how_to_get=_how_to_get(record),
    )
    common: dict[str, Any] = {
        "name": record.name,
        "title": title,
        "about": origin.words,
        "preparation": record.preparation,
        "weights": weights,
        "published_accuracy": None,
        "accuracy_source": "nobody",
        "licence": record.licence,
        "attribution": record.attribution,
        "colour": record.colour,
        "trained_on": origin.dataset_name,
        "network": record.network,
        "origin": origin,
        "is_offered": not record.removed_at,
    }
    if record.network:
        if record.network not in shipped:
            raise ValueError(f"this version of Headstart has no network {record.network}")
        like = shipped[record.network]
        return replace(like, layers=partial(_layers_like, like, title), top=None, **common)
    smallest = _smallest_size_of(record.layers)
    size = max(USUAL_SIZE, smallest)
    return Backbone(
        builder=partial(_network, record.layers, title),
        layers=partial(_layers, record.layers, title),
        feature_layer=record.layers[-1].name,
        smallest_size=smallest,
        size_reason="its layers leave nothing of smaller ones",
        published_size=size,
        multiply_adds=_multiply_adds(_network(record.layers, title, size)),
        **common,
    )


def _smallest_size_of(layers: tuple[OwnLayer, ...]) -> int:
    """Of an image of which the layers leave something; ``ValueError`` where there is none."""
    for side in range(SMALLEST_SIZE, LARGEST_SIZE + 1):
        if all(min(record.output) > 0 for record in _network(layers, "", side)):
            return side
    raise ValueError("its layers leave nothing of any image")


def _how_to_get(record: OwnBackbone) -> str:
    again = (
        f"Make it again with `python -m core backbones add {record.origin.run} "
        f"--name {record.name}` where its run is, or copy the folder backbones/{record.name} "
        "from there."
    )
    if record.removed_at:
        return f"It was removed on {record.removed_at[:10]}. {again}"
    return again
