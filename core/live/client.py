"""The networks of an experiment answer live: what pages ask. No Keras here.

A job holds the networks (``core.live.server``), one for each home. A page calls ``wake`` until it
is ready, then ``answer`` for each image; ``docs/decisions/0007-live-answers.md`` has the reasons.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from core.backbones.weights.access import is_available, what_to_do
from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError, UnknownName
from core.experiments.records import ExperimentRecord, RunRecord
from core.experiments.run_files import why_no_weights
from core.experiments.store import Store
from core.live.connection import STARTING, ConnectionLostError, ask, server_state, start_server
from core.strategies.registry import MAJORITY, STRATEGIES, find_strategy
from core.training.spec import with_train_fraction

POLL_SECONDS = 0.1
READY_SECONDS = 300.0
ANSWER_SECONDS = 120.0
POLL_ANSWER_SECONDS = 10.0
ENDED = (
    "The process that holds the networks ended before it answered; memory may have run out. "
    "Close other work and ask again."
)


@dataclass(frozen=True)
class Candidate:
    """One strategy of an experiment that may answer.

    ``run_id`` and ``seed`` name the run whose network answers: that of the first seed that kept
    its weights. ``why_not`` is a sentence for people where it cannot answer, else None.
    ``finished_at`` tells that run apart from the same run made again. ``majority`` has no network
    and always answers, even if it was not run.
    """

    strategy: str
    run_id: str | None
    seed: int | None
    why_not: str | None
    finished_at: str | None = None

    @property
    def has_network(self) -> bool:
        """Whether the process that holds the networks is asked for it."""
        return self.why_not is None and self.strategy != MAJORITY


@dataclass(frozen=True)
class LiveState:
    """How far the networks of one experiment are.

    ``step`` is a sentence, ``done`` of ``total`` count networks or images within it. ``loaded``
    are the strategies whose network is there and answers at once, also while others load.
    ``error`` says in plain words why it ``failed``; a minute later it is tried again. ``unable``
    names the strategies whose network could not be loaded, with the reason; the others answer.
    ``note`` says what slows the answers (a timed run, networks that do not all fit into memory),
    or is empty.
    """

    state: Literal["starting", "loading", "ready", "failed"]
    step: str = ""
    done: int = 0
    total: int = 0
    loaded: tuple[str, ...] = ()
    error: str = ""
    unable: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class LiveAnswer:
    """What one strategy predicts for an image.

    ``probabilities`` float32 ``(classes,)``. ``seconds``: from the prepared image to the
    probabilities, for this network alone, on the processor; a strategy on frozen features pays for
    its own pass through the backbone.
    """

    strategy: str
    run_id: str | None
    seed: int | None
    probabilities: np.ndarray
    seconds: float

    @property
    def predicted(self) -> int:
        return int(self.probabilities.argmax())


def candidates(store: Store, experiment_id: str) -> tuple[Candidate, ...]:
    """The strategies of an experiment in ladder order; reads no weights.

    Raises ``UnknownName`` for an experiment that is not there.
    """
    experiment = store.experiment(experiment_id)
    runs = store.runs(experiment_id)
    no_dataset = _why_no_dataset(experiment)
    named = {MAJORITY, *(name for name, _ in experiment.spec.strategies)}
    return tuple(
        _candidate(experiment, name, [run for run in runs if run.strategy == name], no_dataset)
        for name in STRATEGIES
        if name in named
    )


def wake(store: Store, experiment_id: str, offered: Sequence[Candidate] | None = None) -> LiveState:
    """Start the process if none runs, ask it for this experiment's networks, return at once.

    Cheap to poll; ``offered`` are those of its ``candidates`` that are wanted, in the order in
    which they are loaded; None is all. Without a network that can answer it is ``ready``, and
    nothing is started. Raises ``UnknownName`` for an experiment that is not there, ``OSError``
    where no process can be started.
    """
    offered = candidates(store, experiment_id) if offered is None else offered
    wanted = [found for found in offered if found.has_network]
    if not wanted:
        return LiveState("ready")
    server = server_state(store)
    if server.state == "listening":
        try:
            body = _question("load", experiment_id, wanted)
            reply, _ = ask(store, body, {}, POLL_ANSWER_SECONDS)
        except ConnectionLostError:
            server = server_state(store)
        else:
            return _state_in(reply, len(wanted))
    if server.state == "failed":
        return LiveState("failed", error=server.text)
    if server.state == "absent":
        start_server(store)
    return LiveState("starting", server.text or STARTING)


def answer(
    store: Store, experiment_id: str, image: np.ndarray, strategies: Collection[str] | None = None
) -> tuple[LiveAnswer, ...]:
    """What every strategy that can answer predicts for ``image``, in ladder order.

    ``image`` uint8 ``(h, w, c)`` as ``prepare_upload`` or ``prepared_of`` give it; ``strategies``
    are those that are asked, None is all. Under a second where ``wake`` says that they are loaded;
    others are loaded first. Raises ``BadInput`` for an image of another shape, ``HeadstartError``
    where the process failed.
    """
    able = [
        found
        for found in candidates(store, experiment_id)
        if found.why_not is None and (strategies is None or found.strategy in strategies)
    ]
    networks = [found for found in able if found.has_network]
    probabilities, seconds = _ask_networks(store, experiment_id, networks, image)
    return tuple(
        _majority_answer(store, experiment_id, found)
        if found.strategy == MAJORITY
        else LiveAnswer(
            found.strategy,
            found.run_id,
            found.seed,
            probabilities[found.run_id],
            seconds[found.run_id],
        )
        for found in able
        if found.strategy == MAJORITY or found.run_id in probabilities
    )


def where_it_looked(
    store: Store, experiment_id: str, image: np.ndarray, answers: Sequence[LiveAnswer]
) -> dict[str, np.ndarray]:
    """Grad-CAM by strategy: which places of ``image`` support what ``answers`` predict for it.

    float32 ``(h, w)`` from 0 to 1 at the size of the feature map, to be laid over the image
    enlarged to its size. Strategies without a convolution are left out. Takes a few times as long
    as ``answer``, and raises the same.
    """
    predicted = {
        found.run_id: found.predicted
        for found in answers
        if find_strategy(found.strategy).convolutional
    }
    able = [found for found in candidates(store, experiment_id) if found.run_id in predicted]
    maps, _ = _ask_networks(store, experiment_id, able, image, predicted)
    return {found.strategy: maps[found.run_id] for found in able if found.run_id in maps}


# Who can answer -----------------------------------------------------------------------------------


def _candidate(
    experiment: ExperimentRecord, strategy: str, runs: Sequence[RunRecord], no_dataset: str | None
) -> Candidate:
    runs = sorted(runs, key=lambda run: run.state != "finished")
    able = (run for run in runs if _why_no_answer(run, experiment) is None)
    chosen = next(able, next(iter(runs), None))
    if chosen is not None:
        reason = no_dataset or _why_no_answer(chosen, experiment)
        return Candidate(strategy, chosen.id, chosen.seed, reason, chosen.finished_at)
    no_run = f"{find_strategy(strategy).title} has no run in this experiment."
    return Candidate(strategy, None, None, no_dataset or (no_run if strategy != MAJORITY else None))


def _why_no_answer(run: RunRecord, experiment: ExperimentRecord) -> str | None:
    if run.strategy == MAJORITY:
        return None
    return why_no_weights(run, experiment) or _why_no_pretrained(run)


def _why_no_pretrained(run: RunRecord) -> str | None:
    """A network keeps the arrays that its run changed; the others are the published ones."""
    strategy = find_strategy(run.strategy)
    weight_set = strategy.weights(run.settings)
    if strategy.backbone is None or weight_set is None or is_available(weight_set):
        return None
    return (
        f"{strategy.title} needs the weights of {strategy.backbone.title} from "
        f"{strategy.backbone.trained_on}, which are not on this machine. {what_to_do(weight_set)}"
    )


def _why_no_dataset(experiment: ExperimentRecord) -> str | None:
    try:
        open_dataset(experiment.spec.dataset_id)
    except UnknownName:
        return (
            f"The dataset {experiment.spec.dataset_name} was removed, so an image can no longer be "
            "prepared as its images were."
        )
    return None


# What is asked ------------------------------------------------------------------------------------


def _question(do: str, experiment_id: str, networks: Sequence[Candidate]) -> dict[str, Any]:
    """``runs`` in ladder order: run, the moment that tells it apart from the same run made again,
    strategy."""
    runs = [[found.run_id, found.finished_at, found.strategy] for found in networks]
    return {"do": do, "experiment": experiment_id, "runs": runs}


def _state_in(reply: dict[str, Any], networks: int) -> LiveState:
    if "failed" in reply:
        return LiveState("failed", error=reply["failed"])
    if reply["state"] == "ready" and len(reply["unable"]) == networks:
        return LiveState("failed", error=" ".join(dict.fromkeys(reply["unable"].values())))
    return LiveState(**{**reply, "loaded": tuple(reply["loaded"])})


def _ask_networks(
    store: Store,
    experiment_id: str,
    networks: Sequence[Candidate],
    image: np.ndarray,
    classes: Mapping[str | None, int] | None = None,
) -> tuple[dict[Any, np.ndarray], dict[Any, float]]:
    """By run: probabilities (with ``classes``, heat maps for these) and seconds. Where nobody
    listens, it waits for a new process and asks once more."""
    if not networks:
        return {}, {}
    body = _question("answer" if classes is None else "explain", experiment_id, networks)
    body["classes"] = classes
    for may_try_again in (True, False):
        try:
            reply, arrays = ask(store, body, {"image": image}, ANSWER_SECONDS)
            break
        except ConnectionLostError as error:
            if not may_try_again:
                raise HeadstartError(ENDED) from error
            _wait_until_ready(store, experiment_id, networks)
    if "failed" in reply:
        raise HeadstartError(reply["failed"])
    if "refused" in reply:
        raise BadInput(reply["refused"], "image")
    return arrays, reply["seconds"]


def _wait_until_ready(store: Store, experiment_id: str, networks: Sequence[Candidate]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while (now := wake(store, experiment_id, networks)).state != "ready":
        if now.state == "failed":
            raise HeadstartError(now.error)
        if time.monotonic() > deadline:
            raise HeadstartError(
                f"The networks were not ready after {READY_SECONDS / 60:.0f} minutes; the machine "
                f"may be busy with other work ({now.step}). Ask again later."
            )
        time.sleep(POLL_SECONDS)


def _majority_answer(store: Store, experiment_id: str, candidate: Candidate) -> LiveAnswer:
    """The fractions of the classes among the training images, whatever the image shows."""
    spec = store.experiment(experiment_id).spec
    dataset = open_dataset(spec.dataset_id)
    split = spec.split.of(dataset)
    train = with_train_fraction(split, dataset, spec.train_share, spec.split.seed).train
    started = time.perf_counter()
    counts = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    probabilities = (counts / counts.sum()).astype(np.float32)
    seconds = time.perf_counter() - started
    return LiveAnswer(MAJORITY, candidate.run_id, candidate.seed, probabilities, seconds)
