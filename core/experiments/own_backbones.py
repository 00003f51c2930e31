"""A trained network becomes a backbone of one's own: which runs can, the job that makes it, and
how it goes again.

Pages and the command line ask with ``request_backbone``; the job ``backbone`` takes the network out
of its run in a process of its own, as that loads Keras.
"""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from core.backbones.backbone import Backbone
from core.backbones.own import (
    NAME_PATTERN,
    OWN_COLOURS,
    OwnBackbone,
    OwnOrigin,
    backbone_of,
    digest_of,
)
from core.backbones.own_folder import (
    ARRAYS,
    IMAGES,
    WEIGHTS,
    backbones_lock,
    incoming_backbone,
    publish,
    remove_folder,
    remove_weights,
    seen_images,
)
from core.backbones.registry import BACKBONES, SHIPPED, own
from core.backbones.weights.files import read_weights_file, write_weights_file
from core.datasets.prepare import prepare_images
from core.datasets.storage import open_dataset
from core.errors import BadInput, UnknownName
from core.experiments.records import ExperimentRecord, RunRecord, result_of
from core.experiments.run_files import read_weights, why_no_weights
from core.experiments.store import Store, open_store
from core.experiments.used_backbones import experiments_with
from core.files import write_json
from core.jobs.cached import CachedWork, cache_folder, cached_work, output_of, remove_oldest
from core.jobs.context import JobContext
from core.layers.record import BACKBONE_PART
from core.settings import has_shared_storage
from core.strategies.registry import STRATEGIES, find_strategy
from core.strategies.strategy import Mode, Role, Strategy
from core.text import fold_accents, list_text

FOR_A_BACKBONE = "and make one of its runs a backbone"
LONGEST_NAME = 40
COMPARED_IMAGES = 4
RESERVED_NAMES = {"all", *Mode}


# Which runs can -----------------------------------------------------------------------------------


def why_no_backbone(run: RunRecord, experiment: ExperimentRecord) -> str | None:
    """Why a run cannot become a backbone, in a sentence; None if it can."""
    if reason := why_no_weights(run, experiment, FOR_A_BACKBONE):
        return reason
    strategy = find_strategy(run.strategy)
    if strategy.backbone is None:
        if strategy.convolutional:
            return None
        return (
            f"{strategy.title} has no convolutional layers, so it has no features that another "
            "network could stand on."
        )
    if _trains_backbone(strategy, run, experiment):
        return None
    return (
        f"{strategy.title} trains a head alone: the backbone under it is "
        f"{strategy.backbone.title}, which can be chosen already."
    )


def _trains_backbone(strategy: Strategy, run: RunRecord, experiment: ExperimentRecord) -> bool:
    if strategy.role not in (Role.RANDOM_START, Role.FINE_TUNED):
        return False
    spec = experiment.spec
    layers = strategy.layers(run.settings, spec.image_size, len(spec.classes) or 2)
    return any(layer.is_trained for layer in layers if layer.part == BACKBONE_PART)


def backbone_of_run(run_id: str) -> Backbone | None:
    """The backbone that was made of a run and is in use; None where there is none."""
    for backbone in own().backbones.values():
        if backbone.is_offered and backbone.origin and backbone.origin.run == run_id:
            return backbone
    return None


def checked_name(name: str) -> str:
    """``name`` if a new backbone may have it. Raises ``BadInput``."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise BadInput(
            f"{name!r} cannot be the name of a backbone; it takes 2 to {LONGEST_NAME} small "
            "letters, digits and underscores, a letter first.",
            "name",
        )
    would_be = {name, *(f"{name}_{mode}" for mode in Mode)}
    if name in SHIPPED or name in RESERVED_NAMES or would_be & _other_names(name):
        raise BadInput(
            f"{name!r} names something else in Headstart already; choose another name.", "name"
        )
    return name


def _other_names(name: str) -> set[str]:
    """Names of strategies, without those on the backbone of that name."""
    return {
        strategy
        for strategy, entry in STRATEGIES.items()
        if entry.backbone is None or entry.backbone.name != name
    }


def usual_name(run: RunRecord, experiment: ExperimentRecord) -> str:
    """``digits_cnn``: the dataset, and the network that was trained on it, with a number where
    that is taken."""
    strategy = find_strategy(run.strategy)
    network = strategy.backbone.name if strategy.backbone else strategy.name
    ascii_name = fold_accents(experiment.spec.dataset_name).encode("ascii", "ignore").decode()
    words = re.sub("[^a-z0-9]+", "_", ascii_name.lower()).strip("_")
    words = words if words[:1].isalpha() else f"set_{words}".rstrip("_")
    stem = f"{words[: LONGEST_NAME - len(network) - 4].rstrip('_')}_{network}"[: LONGEST_NAME - 3]
    for number in count(1):
        name = stem if number == 1 else f"{stem}_{number}"
        if not _is_taken(name):
            return name
    raise AssertionError("unreachable")


def _former_name(run_id: str) -> str | None:
    """The name that a run had as a backbone before that was removed."""
    found = own().records.values()
    return next((one.name for one in found if one.removed_at and one.origin.run == run_id), None)


def _is_taken(name: str) -> bool:
    return name in own().unreadable or name in BACKBONES or name in STRATEGIES


# Making one ---------------------------------------------------------------------------------------


def request_backbone(store: Store, run_id: str, name: str | None = None) -> str:
    """Start the work that makes a run a backbone; returns the name that this gets.

    ``backbone_work`` tells how far it is. Raises ``BadInput`` with the reason where the run cannot
    become one or the name cannot be used, ``UnknownName`` for a run or dataset that is not there.
    """
    run = store.run(run_id)
    experiment = store.experiment(run.experiment_id)
    if reason := why_no_backbone(run, experiment):
        raise BadInput(reason, "run")
    if made := backbone_of_run(run_id):
        raise BadInput(f"Run {run_id} is the backbone {made.name} already.", "run")
    open_dataset(experiment.spec.dataset_id)
    if name is None:
        chosen = _former_name(run_id) or usual_name(run, experiment)
    else:
        chosen = checked_name(name)
    _refuse_taken(chosen, run_id)
    work = backbone_work(store, run_id, chosen)
    if work.state == "ready":  # it was made once, and removed
        work.result.unlink(missing_ok=True)
        backbone_work(store, run_id, chosen)
    return chosen


def backbone_work(store: Store, run_id: str, name: str) -> CachedWork:
    """How far the work is that makes the backbone ``name`` of a run."""
    mark = hashlib.sha256(f"{store.run(run_id).finished_at};{name}".encode()).hexdigest()[:16]
    result = cache_folder() / "backbones" / f"{run_id}-{mark}.json"
    return cached_work(store, "backbone", {"run": run_id, "name": name}, result)


def _refuse_taken(name: str, run_id: str) -> None:
    """One that lacks its weights can be made again, of the same run."""
    found = own()
    record = found.records.get(name)
    again = record is not None and record.origin.run == run_id
    if name in found.unreadable or (record is not None and not again):
        raise BadInput(f"There is already a backbone named {name!r}; choose another name.", "name")


def run(arguments: dict[str, Any], context: JobContext) -> None:
    """The job ``backbone``: make ``run`` the backbone ``name``."""
    output = output_of(arguments)
    record = make_backbone(open_store(), arguments["run"], arguments["name"], context)
    write_json(output, {"name": record.name, "digest": record.digest})
    remove_oldest(context.queue, context.job.kind, output)


def make_backbone(store: Store, run_id: str, name: str, context: JobContext) -> OwnBackbone:
    """Take the network out of a run and store it, whole or not at all.

    Raises what ``take_network`` and ``check_features`` do, ``StoreError`` where the weights of the
    run cannot be read, and ``BadInput`` where the name was taken meanwhile.
    """
    trained = store.run(run_id)
    experiment = store.experiment(trained.experiment_id)
    spec = experiment.training_spec(trained)
    dataset = open_dataset(spec.dataset_id)
    weights = read_weights(run_id)
    context.report("Loading the libraries")
    # Imported here: these load Keras, and people should read that before.
    from core.networks.own_backbone import check_features, take_network

    context.report("Taking the network out of its run")
    taken, restored = take_network(spec, weights, dataset)
    split = spec.subsets_of(dataset)
    size_bytes = sum(array.nbytes for array in taken.arrays.values())
    with incoming_backbone(size_bytes) as folder:
        write_weights_file(folder / WEIGHTS, taken.arrays)
        digests = {
            array: {"shape": list(one.shape), "sha256": one.sha256}
            for array, one in taken.digests.items()
        }
        write_json(folder / ARRAYS, digests)
        trained_on = dataset.digests[np.concatenate([split.train, split.validation])]
        _write_seen(folder / IMAGES, trained_on, find_strategy(trained.strategy).backbone)
        with backbones_lock():
            record = OwnBackbone(
                name=name,
                title=_title(name, trained, experiment),
                network=taken.network,
                layers=taken.layers,
                preparation=taken.preparation,
                digest=digest_of(taken.network, taken.layers, taken.preparation, taken.digests),
                size_bytes=size_bytes,
                colour=_free_colour(),
                origin=_origin(trained, experiment),
                **_rights(trained),
                made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            backbone = backbone_of(record, folder, taken.digests, SHIPPED)
            context.report("Comparing its features with those of the run")
            arrays = read_weights_file(folder / WEIGHTS, backbone.weights)
            prepared = prepare_images(dataset, spec.image_size, spec.resize)
            images = prepared.take(split.train[:COMPARED_IMAGES])
            check_features(backbone, arrays, restored, images)
            publish(folder, record)
    return record


def _write_seen(path: Path, digests: np.ndarray, before: Backbone | None) -> None:
    """The images that the network has seen, those that it began with included."""
    earlier = seen_images(before.name) if before is not None and before.origin else None
    seen = digests if earlier is None else np.concatenate([digests, earlier])
    np.save(path, np.unique(seen, axis=0), allow_pickle=False)


def _title(name: str, run: RunRecord, experiment: ExperimentRecord) -> str:
    """``CNN of digits``: unlike that of every other backbone."""
    strategy = find_strategy(run.strategy)
    network = strategy.backbone.title if strategy.backbone else strategy.title.partition(",")[0]
    title = f"{network} of {experiment.spec.dataset_name}"
    others = {one.title for other, one in BACKBONES.items() if other != name}
    return f"{title} ({name})" if title in others else title


def _free_colour() -> str:
    """That of the fewest backbones of one's own; ties go to the first."""
    used = [record.colour for record in own().records.values() if not record.removed_at]
    return min(OWN_COLOURS, key=used.count)


def _origin(run: RunRecord, experiment: ExperimentRecord) -> OwnOrigin:
    spec, test = experiment.spec, result_of(run).scores.test
    strategy = find_strategy(run.strategy)
    before = strategy.backbone if strategy.is_pretrained else None
    return OwnOrigin(
        experiment=experiment.id,
        run=run.id,
        strategy=run.strategy,
        strategy_title=strategy.title,
        seed=run.seed,
        dataset_id=spec.dataset_id,
        dataset_name=spec.dataset_name,
        classes=len(spec.classes),
        image_size=spec.image_size,
        train_images=spec.images["train"],
        test_images=test.images,
        test_accuracy=test.accuracy,
        started_from=f"{before.title}, trained on {before.trained_on}" if before else "",
    )


def _rights(run: RunRecord) -> dict[str, str]:
    """Licence and attribution: those of the weights of others that the network began with."""
    strategy = find_strategy(run.strategy)
    if strategy.backbone is None or not strategy.is_pretrained:
        return {"licence": "yours; it has no weights of others", "attribution": ""}
    return {"licence": strategy.backbone.licence, "attribution": strategy.backbone.attribution}


# Removing one -------------------------------------------------------------------------------------


def why_not_removed(name: str, used: Iterable[ExperimentRecord]) -> str | None:
    """Why a backbone cannot go now, in a sentence; ``used`` are ``experiments_with`` it."""
    active = [entry.id for entry in used if entry.is_active]
    if not active:
        return None
    many, verb, them = ("Experiment", "uses", "it")
    if len(active) > 1:
        many, verb, them = ("Experiments", "use", "them")
    return f"{many} {list_text(active)} {verb} the backbone {name} now; cancel {them} first."


def remove_backbone(store: Store, name: str) -> bool:
    """Remove a backbone; where experiments use it, their titles and results stay, and so does its
    name. Returns whether they do. Raises ``BadInput`` while runs on it wait or work."""
    if name in SHIPPED:
        raise BadInput(f"{name} comes with Headstart; only a backbone of one's own can go.", "name")
    with backbones_lock():
        found = own()
        if name in found.unreadable:
            remove_folder(name)
            return False
        record = found.records.get(name)
        if record is None or record.removed_at:
            known = [one.name for one in found.records.values() if not one.removed_at]
            raise UnknownName("backbone of your own", name, known)
        used = experiments_with(store, name)
        if reason := why_not_removed(name, used):
            raise BadInput(reason, "name")
        # Other machines learn from its record that it is removed.
        if used or has_shared_storage():
            remove_weights(record)
        else:
            remove_folder(name)
    return bool(used)
