"""What is known of a dataset before anything is trained on it: the records, and the file of them.

The file lies in the folder of the dataset and is named after all that it depends on: the images,
the default split, the image size, the backbones on this machine, and ``FORMAT``. Nothing here loads
a machine-learning library.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from core.backbones.backbone import Backbone
from core.backbones.registry import BACKBONES
from core.backbones.weights.access import fetch_command, is_available
from core.datasets.dataset import Dataset
from core.errors import BadInput, StoreError
from core.experiments.planning import PRESET_IMAGE_SIZES
from core.files import write_json
from core.jobs.cached import CachedWork, cached_work, known_work, wait_for
from core.jobs.queue import JobQueue
from core.storage.shared import forget, listed, pull_cached, push_cached
from core.strategies.registry import TUTORIAL_BACKBONE
from core.strategies.settings import PRESETS
from core.training.spec import LARGEST_IMAGE_SIZE, SMALLEST_IMAGE_SIZE, SplitProportions

KIND = "advice"
# Raised when the same images and backbones would give other numbers.
FORMAT = 1
IMAGE_SIZE = PRESET_IMAGE_SIZES[PRESETS[0]]
BLOCKS_OF = TUTORIAL_BACKBONE
"""The backbone whose blocks are compared: that of the tutorial."""

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)
log = logging.getLogger(__name__)


@dataclass(frozen=True, config=_STRICT)
class Estimate:
    """An accuracy by cross-validation with its 95 % interval, fractions 0 to 1.

    The interval is Wilson's, for as many images as there are distinct ones: near duplicates count
    once.
    """

    accuracy: float
    low: float
    high: float


@dataclass(frozen=True, config=_STRICT)
class Difference:
    """One accuracy minus another on the same images, -1 to 1, with the 95 % interval of a bootstrap
    that draws whole sets of near duplicates."""

    difference: float
    low: float
    high: float


@dataclass(frozen=True, config=_STRICT)
class ProbePoint:
    """The linear probe fitted on so many ``images`` (mean over the folds)."""

    images: int
    probe: Estimate


@dataclass(frozen=True, config=_STRICT)
class BackboneFacts:
    """How well the pooled features of a backbone fit the images.

    ``curve``: the probe on ever more images, the fewest first; the last point is ``probe`` on all.
    ``doubling``: the probe on all images over that on half of them; None where half were too few.
    ``behind``: the best probe minus this one; None for the best itself.
    """

    name: str
    title: str
    neighbours: Estimate
    probe: Estimate
    curve: tuple[ProbePoint, ...]
    doubling: Difference | None
    behind: Difference | None


@dataclass(frozen=True, config=_STRICT)
class BlockFacts:
    """One block of the backbone whose blocks are compared, by its number from 1.

    ``frozen_layers``: how many layers are frozen where it is the last that is. ``behind``: the best
    block minus this one; None for the best itself.
    """

    number: int
    layer: str
    frozen_layers: int
    probe: Estimate
    behind: Difference | None


@dataclass(frozen=True, config=_STRICT)
class Blocks:
    """The blocks of one backbone from the first to the last. ``gain``: the last one minus the best
    of those before it, which has the number ``best_earlier``."""

    backbone: str
    title: str
    blocks: tuple[BlockFacts, ...]
    best_earlier: int
    gain: Difference


@dataclass(frozen=True, config=_STRICT)
class Facts:
    """The facts of one dataset at one image size (pixels), from training images alone.

    ``train_images`` are those of the default split, ``images`` those of them that were measured on,
    ``distinct_images`` these with near duplicates counted once. ``class_counts``: training images
    of each of ``classes``. ``majority_accuracy``: the fraction of the commonest class among the
    images measured on. ``exact_duplicates``, ``near_duplicate_groups`` and ``images_in_groups`` are
    those of the whole dataset, as its health report has them.
    ``backbones``: the best probe first. ``not_here``, ``too_small`` and ``seen`` are titles of
    backbones that were left out: without weights on this machine, made for larger images, and
    trained on some of these images. ``blocks`` is None without the backbone that they belong to.
    ``seconds`` is what the measurement took, ``extraction_seconds`` of it for features that were
    not in the cache.
    """

    dataset_id: str
    image_size: int
    train_images: int
    images: int
    distinct_images: int
    folds: int
    classes: tuple[str, ...]
    class_counts: tuple[int, ...]
    majority_accuracy: float
    exact_duplicates: int
    near_duplicate_groups: int
    images_in_groups: int
    backbones: tuple[BackboneFacts, ...]
    not_here: tuple[str, ...]
    too_small: tuple[str, ...]
    seen: tuple[str, ...]
    blocks: Blocks | None
    made_at: str
    seconds: float
    extraction_seconds: float

    @property
    def images_a_class(self) -> float:
        """Training images of a class on average."""
        return self.train_images / len(self.classes)

    @property
    def commonest(self) -> str:
        """The class with most training images; of equals the first."""
        return self.classes[self.class_counts.index(max(self.class_counts))]


_FACTS = TypeAdapter(Facts)


# Asking for them ----------------------------------------------------------------------------------


def default_split() -> SplitProportions:
    """The split that an experiment has unless somebody chooses another."""
    return SplitProportions.model_validate({})


def backbones_here() -> dict[str, Backbone]:
    """By name, those whose weights are on this machine and that new experiments can choose."""
    return {
        name: one for name, one in BACKBONES.items() if one.is_offered and is_available(one.weights)
    }


def request_facts(queue: JobQueue, dataset: Dataset, image_size: int = IMAGE_SIZE) -> CachedWork:
    """The state of the facts; they are measured where nobody has asked for them before.

    Raises ``BadInput`` where the dataset cannot be split, or no backbone is on this machine, and
    ``OSError`` if no worker can be started.
    """
    if not SMALLEST_IMAGE_SIZE <= image_size <= LARGEST_IMAGE_SIZE:
        raise BadInput(
            f"image_size is {image_size}; it must be a whole number from {SMALLEST_IMAGE_SIZE} to "
            f"{LARGEST_IMAGE_SIZE} pixels.",
            "image_size",
        )
    default_split().of(dataset)
    here = backbones_here()
    if not here:
        weights = BACKBONES[BLOCKS_OF].weights
        raise BadInput(
            "No pre-trained network is on this machine, so nothing can be measured with one. "
            f"Run `{fetch_command(weights)}`.",
            "backbones",
        )
    result = facts_path(dataset, image_size, here)
    if result.is_file() and _readable(result) is None:
        result.unlink()
    arguments = {
        "dataset": dataset.id,
        "image_size": image_size,
        "backbones": list(here),
        "name": result.name,
    }
    return cached_work(queue, KIND, arguments, result)


def facts_work(
    queue: JobQueue, dataset: Dataset, image_size: int = IMAGE_SIZE
) -> CachedWork | None:
    """The state of the facts that somebody has asked for; None where nobody has, or where they
    cannot be read (logged)."""
    work = known_work(queue, KIND, facts_path(dataset, image_size, backbones_here()))
    is_damaged = work is not None and work.state == "ready" and _readable(work.result) is None
    return None if is_damaged else work


def measure_facts(
    queue: JobQueue, dataset: Dataset, say: Callable[[str], None], image_size: int
) -> Facts:
    """The facts once they are there, with a line to ``say`` for each step; for a person who waits.

    Raises as ``request_facts``, and ``HeadstartError`` with what went wrong in the job.
    """
    ready = wait_for(queue, lambda: request_facts(queue, dataset, image_size), say)
    return read_facts(ready)


def facts_path(dataset: Dataset, image_size: int, backbones: Mapping[str, Backbone]) -> Path:
    """Where the facts of ``dataset`` with these ``backbones`` are."""
    parts = {
        "format": FORMAT,
        "dataset": dataset.id,
        "split": default_split().model_dump(mode="json"),
        "image_size": image_size,
        "backbones": {name: one.weights.digest for name, one in backbones.items()},
    }
    mark = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
    return facts_folder(dataset) / f"{image_size}-{mark}.json"


# The file -----------------------------------------------------------------------------------------


def read_facts(path: Path) -> Facts:
    """Raises ``StoreError`` where the file is damaged."""
    try:
        return _FACTS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StoreError(
            f"The facts of the dataset in {path} cannot be read. Have it measured again."
        ) from error


def latest_facts(dataset: Dataset, image_size: int = IMAGE_SIZE) -> Facts | None:
    """The facts of a dataset as they were measured last, maybe with other backbones than are here
    now; None where there are none. What cannot be read is left out (logged)."""
    paths = listed(facts_folder(dataset), f"{image_size}-*.json")
    for path in paths:
        pull_cached(path)
    found = [facts for path in paths if (facts := _readable(path)) is not None]
    return max(found, key=lambda facts: facts.made_at, default=None)


def known_facts(datasets: Iterable[Dataset], image_size: int = IMAGE_SIZE) -> dict[str, Facts]:
    """``latest_facts`` by the id of the dataset, without those that have none."""
    every = ((dataset.id, latest_facts(dataset, image_size)) for dataset in datasets)
    return {dataset_id: facts for dataset_id, facts in every if facts is not None}


def write_facts(facts: Facts, path: Path) -> None:
    """Keep them in place of older ones of the same image size.

    Raises ``FileNotFoundError`` where the folder of the dataset is gone.
    """
    path.parent.mkdir(exist_ok=True)
    write_json(path, asdict(facts), indent=1)
    push_cached(path)
    for older in path.parent.glob(f"{facts.image_size}-*.json"):
        if older != path:
            older.unlink(missing_ok=True)
            forget(older)


def _readable(path: Path) -> Facts | None:
    try:
        return read_facts(path)
    except StoreError as error:
        log.warning("%s", error)
        return None


def facts_folder(dataset: Dataset) -> Path:
    return dataset.folder / "advice"
