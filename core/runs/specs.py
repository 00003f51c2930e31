"""What the user asks for, checked whole before anything is stored."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ValidationError

from core.datasets.model import Dataset
from core.datasets.split import Split
from core.datasets.store import open_dataset
from core.errors import BadInput, UnknownName
from core.pretrained.weights import fetch_command, is_available
from core.runs.experiment_spec import ExperimentSpec
from core.settings import PRECISIONS
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.settings import PRESETS, Value
from core.strategies.strategy import Strategy
from core.training.spec import (
    LARGEST_IMAGE_SIZE,
    SMALLEST_IMAGE_SIZE,
    SMALLEST_TRAIN_SHARE,
    SplitProportions,
    with_train_share,
)

PRESET_IMAGE_SIZES = {"quick": 96, "article": 224}
RESIZES = ("stretch", "pad", "crop")
LARGEST_SEED = 2**31 - 1

__all__ = ["ExperimentSpec", "plan_experiment", "unavailable_reason"]

ChosenStrategies = Sequence[str] | Literal["all"]


def plan_experiment(  # noqa: PLR0913 - the interface of command line and page: one argument a field
    dataset_name: str,
    strategies: ChosenStrategies = "all",
    preset: str = "quick",
    seeds: Sequence[int] = (0,),
    image_size: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    split: SplitProportions | Mapping[str, Any] | None = None,
    resize: str | None = None,
    precision: str = "auto",
    train_share: float = 1.0,
    series: str = "",
) -> ExperimentSpec:
    """Check everything and make the split; nothing is stored but the split itself.

    ``overrides`` maps ``"strategy.setting"`` to a value or its text. ``image_size`` is in pixels,
    None is the preset's. ``train_share`` (0.01 to 1) of the split's training images are trained
    on; ``series`` is the learning curve that the experiment belongs to. Raises ``UnknownName`` or
    ``BadInput`` naming the field.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    chosen = _chosen(strategies)
    settings = _settings(chosen, preset, overrides or {})
    size = _checked_size(PRESET_IMAGE_SIZES[preset] if image_size is None else image_size)
    kept, unavailable = _able(chosen, settings, size, by_name=strategies != "all")
    seeds = _checked_seeds(seeds)
    resize = _checked_choice(resize or "stretch", RESIZES, "resize")
    precision = _checked_choice(precision, PRECISIONS, "precision")
    proportions = _checked_split(split)
    dataset = open_dataset(dataset_name)
    share = _checked_share(train_share)
    sides = with_train_share(proportions.of(dataset), dataset, share, proportions.seed)
    # A batch that fits the whole set was a sensible wish: a part of it gets a smaller one.
    refusable = (overrides or {}) if share == 1 else {}
    _fit_batches(kept, settings, refusable, len(sides.train))
    return ExperimentSpec(
        dataset_id=dataset.id,
        dataset_name=dataset.name,
        strategies=tuple((entry.name, settings[entry.name]) for entry in kept),
        preset=preset,
        seeds=seeds,
        image_size=size,
        resize=resize,
        split=proportions,
        precision=precision,
        unavailable=unavailable,
        given_split=proportions.use_given and dataset.predefined_subsets is not None,
        train_share=share,
        series=series,
        **_facts(dataset, sides),
    )


def unavailable_reason(strategy: Strategy, settings: Mapping[str, Any]) -> str | None:
    """Why the strategy cannot run on this machine, with the command that helps; None if it can."""
    needs = strategy.needs_for(settings)
    if "full_weights" in needs and not is_available("full"):
        return (
            f"{strategy.name} {_with_head(settings)}needs the full VGG16 weights (fc1 and fc2), "
            f"which are not on this machine. Get them with: {fetch_command('full')}"
        )
    if "weights" in needs and not is_available("base"):
        return (
            f"{strategy.name} needs the VGG16 ImageNet weights, which are not on this machine. "
            f"Get them with: {fetch_command('base')}"
        )
    return None


def _with_head(settings: Mapping[str, Any]) -> str:
    return "with head 'fc' " if settings.get("head") == "fc" else ""


def _chosen(strategies: ChosenStrategies) -> list[Strategy]:
    if strategies == "all":
        found = list(STRATEGIES.values())
    else:
        if not strategies:
            raise BadInput("Choose at least one strategy.", "strategies")
        if len(set(strategies)) != len(strategies):
            raise BadInput("A strategy is named twice; each can be chosen once.", "strategies")
        found = [find_strategy(name) for name in strategies]
    return sorted(found, key=lambda entry: (entry.cost, entry.name))


def _settings(
    chosen: list[Strategy], preset: str, overrides: Mapping[str, Any]
) -> dict[str, dict[str, Value]]:
    wanted: dict[str, dict[str, Any]] = {entry.name: {} for entry in chosen}
    for key, raw in overrides.items():
        name, dot, setting = key.partition(".")
        if not dot or not setting:
            raise BadInput(f"{key!r} is not of the form strategy.setting.", key)
        find_strategy(name)
        if name not in wanted:
            raise BadInput(f"{key} is set, but {name} is not among the chosen strategies.", key)
        wanted[name][setting] = raw
    return {entry.name: entry.resolve(preset, wanted[entry.name]) for entry in chosen}


def _able(
    chosen: list[Strategy], settings: dict[str, dict[str, Value]], size: int, by_name: bool
) -> tuple[list[Strategy], dict[str, str]]:
    """Those that can run, and why the others cannot; one asked for by name must be able to."""
    kept: list[Strategy] = []
    unavailable: dict[str, str] = {}
    for entry in chosen:
        reason, field = unavailable_reason(entry, settings[entry.name]), "strategies"
        if reason is None:
            try:
                entry.describe(settings[entry.name], size)
            except BadInput as error:
                reason, field = str(error), error.field or "image_size"
        if reason is None:
            kept.append(entry)
        elif by_name:
            raise BadInput(reason, field)
        else:
            unavailable[entry.name] = reason
    if not kept:
        raise BadInput("None of the strategies can run on this machine.", "strategies")
    return kept, unavailable


def _checked_size(image_size: Any) -> int:
    if (
        isinstance(image_size, bool)
        or not isinstance(image_size, int)
        or not SMALLEST_IMAGE_SIZE <= image_size <= LARGEST_IMAGE_SIZE
    ):
        raise BadInput(
            f"image_size is {image_size!r}; it must be a whole number from "
            f"{SMALLEST_IMAGE_SIZE} to {LARGEST_IMAGE_SIZE} pixels.",
            "image_size",
        )
    return image_size


def _checked_seeds(seeds: Sequence[int]) -> tuple[int, ...]:
    if not seeds:
        raise BadInput("Give at least one seed.", "seeds")
    for seed in seeds:
        if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= LARGEST_SEED:
            raise BadInput(
                f"seed {seed!r} must be a whole number from 0 to {LARGEST_SEED}.", "seeds"
            )
    if len(set(seeds)) != len(seeds):
        raise BadInput("A seed is given twice; each counts once.", "seeds")
    return tuple(seeds)


def _checked_share(share: float) -> float:
    number = isinstance(share, int | float) and not isinstance(share, bool)
    if not number or not SMALLEST_TRAIN_SHARE <= share <= 1:
        raise BadInput(
            f"train_share is {share!r}; it must be a number from {SMALLEST_TRAIN_SHARE:g} to 1.",
            "train_share",
        )
    return float(share)


def _checked_choice(value: str, known: tuple[str, ...], field: str) -> str:
    if value not in known:
        raise UnknownName(field, value, known)
    return value


def _checked_split(split: SplitProportions | Mapping[str, Any] | None) -> SplitProportions:
    if isinstance(split, SplitProportions):
        return split
    try:
        return SplitProportions.model_validate(dict(split or {}))
    except ValidationError as error:
        first = error.errors()[0]
        field = "split." + ".".join(str(part) for part in first["loc"])
        raise BadInput(f"{field} is {first['input']!r}: {first['msg'].lower()}.", field) from None


def _fit_batches(
    kept: list[Strategy],
    settings: dict[str, dict[str, Value]],
    overrides: Mapping[str, Any],
    train_images: int,
) -> None:
    """Refuse a batch that the user made larger than the set; make a preset's batch fit."""
    for entry in kept:
        batch_size = settings[entry.name].get("batch_size")
        if batch_size is None or int(batch_size) <= train_images:
            continue
        field = f"{entry.name}.batch_size"
        if field in overrides:
            raise BadInput(
                f"{field} is {batch_size}, but only {train_images} images are trained on; "
                f"give at most {train_images}.",
                field,
            )
        settings[entry.name]["batch_size"] = train_images


def _facts(dataset: Dataset, sides: Split) -> dict[str, Any]:
    """What a comparison must know even after the dataset was removed."""
    counts = [
        int((dataset.labels[sides.train] == label).sum()) for label in range(len(dataset.classes))
    ]
    majority = counts.index(max(counts))
    return {
        "classes": dataset.classes,
        "images": {
            "train": len(sides.train),
            "validation": len(sides.validation),
            "test": len(sides.test),
        },
        "majority_class": dataset.classes[majority],
        "majority_accuracy": float((dataset.labels[sides.test] == majority).mean()),
        "split_fingerprint": sides.fingerprint,
    }
