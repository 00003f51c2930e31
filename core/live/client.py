"""The networks of an experiment answer live: the side that pages see. No Keras here.

A job holds the networks (``core.live.server``), one for each home. A page
calls ``wake`` until it is ready, then ``answer`` for each picture; ``docs/decisions/0007`` says
why it is so.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from core.datasets.storage import open_dataset
from core.errors import BadInput, HeadstartError
from core.experiments.store import Store
from core.live.candidates import Candidate, candidates
from core.live.images import (
    Likeness,
    UploadedImage,
    prepare_upload,
    prepared_of,
)
from core.live.process import (
    NobodyThere,
    ServerState,
    ask,
    server_state,
    start_server,
)
from core.live.protocol import Body
from core.strategies.registry import MAJORITY
from core.training.spec import with_train_fraction

__all__ = [
    "Candidate",
    "Likeness",
    "LiveAnswer",
    "LiveState",
    "UploadedImage",
    "answer",
    "candidates",
    "prepare_upload",
    "prepared_of",
    "state_of_networks",
    "wake",
    "where_it_looked",
]

POLL_SECONDS = 0.1
READY_SECONDS = 300.0
ANSWER_SECONDS = 120.0
POLL_ANSWER_SECONDS = 10.0
STARTING = "Starting the process that holds the networks"
ENDED = (
    "The process that holds the networks ended while it was asked; memory may have run out. "
    "Close other work and ask again."
)
Work = Literal["answer", "explain"]


@dataclass(frozen=True)
class LiveState:
    """How the process that holds the networks stands for one experiment.

    ``step`` is a sentence, ``done`` of ``total`` count networks or pictures within it. ``error``
    says in plain words why it is ``failed``: it was tried, and is tried again a minute later.
    ``unable`` names, once ``ready``, the strategies whose network could not be put together, with
    the reason; the others answer. ``note`` is what one should know of the answers' speed (a timed
    run is using the machine, not all networks fit into memory), or empty.
    """

    state: Literal["asleep", "starting", "loading", "ready", "failed"]
    step: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    unable: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class LiveAnswer:
    """What one strategy says of a picture.

    ``probabilities`` float32 ``(classes,)``. ``seconds``: from the prepared picture to the
    probabilities, this network alone, one after another on the processor; a strategy on frozen
    features pays for its own pass through the backbone. ``heat_map`` float32 ``(h, w)``, 0 to 1,
    for the predicted class; None without a convolution or where it was not asked for.
    """

    strategy: str
    run_id: str | None
    seed: int | None
    probabilities: np.ndarray
    seconds: float
    heat_map: np.ndarray | None = None


def wake(store: Store, experiment_id: str) -> LiveState:
    """Start the process if none runs, ask it for this experiment's networks, return at once.

    Cheap to poll. An experiment without a network that can answer is ``ready``: nothing is
    started. Raises ``UnknownName`` for an experiment that is not there, ``OSError`` where no
    process can be started.
    """
    return _state_of(store, experiment_id, start=True)


def state_of_networks(store: Store, experiment_id: str) -> LiveState:
    """As ``wake``, but starts nothing: ``asleep`` where no process holds networks."""
    return _state_of(store, experiment_id, start=False)


def answer(store: Store, experiment_id: str, picture: np.ndarray) -> tuple[LiveAnswer, ...]:
    """What every strategy that can says of ``picture``, in the order of the ladder.

    ``picture`` uint8 ``(h, w, c)`` as ``prepare_upload`` or ``prepared_of`` give it. No heat
    maps. Under a second once ``wake`` says ``ready``; before that it waits until it is. Raises
    ``BadInput`` for a picture of another shape, ``HeadstartError`` where the process failed.
    """
    able = [each for each in candidates(store, experiment_id) if each.why_not is None]
    by_network = _ask_networks(store, experiment_id, able, picture, "answer")
    answers = []
    for each in able:
        if each.strategy == MAJORITY:
            answers.append(_majority_answer(store, experiment_id, each))
        elif each.run_id in by_network:
            found = by_network[each.run_id]
            answers.append(
                LiveAnswer(each.strategy, each.run_id, each.seed, found.array, found.seconds)
            )
    return tuple(answers)


def where_it_looked(store: Store, experiment_id: str, picture: np.ndarray) -> dict[str, np.ndarray]:
    """Grad-CAM by strategy: which places of ``picture`` support the class that it predicts.

    float32 ``(h, w)`` from 0 to 1 at the size of the feature map, to be laid over the picture
    enlarged to its size. Strategies without a convolution are left out. Takes a few times as long
    as ``answer``, and raises the same.
    """
    found = candidates(store, experiment_id)
    answers = _ask_networks(store, experiment_id, found, picture, "explain")
    return {each.strategy: answers[each.run_id].array for each in found if each.run_id in answers}


@dataclass(frozen=True)
class _Answer:
    array: np.ndarray
    seconds: float


def _state_of(store: Store, experiment_id: str, start: bool) -> LiveState:
    wanted = _wanted(candidates(store, experiment_id))
    if not wanted:
        return LiveState("ready")
    state = server_state(store)
    if state.error:
        return LiveState("failed", error=state.error)
    if state.is_there:
        try:
            body = {"do": "load", "experiment": experiment_id, "runs": wanted}
            reply, _ = ask(store, body, {}, POLL_ANSWER_SECONDS)
            return _state_in(reply, len(wanted))
        except NobodyThere:
            state = ServerState()
    if state.is_starting:
        return LiveState("starting", state.step or STARTING)
    if not start:
        return LiveState("asleep")
    start_server(store)
    return LiveState("starting", STARTING)


def _state_in(body: Body, networks: int) -> LiveState:
    if "failed" in body:
        return LiveState("failed", error=body["failed"])
    if body["state"] == "ready" and len(body["unable"]) == networks:
        return LiveState("failed", error=" ".join(dict.fromkeys(body["unable"].values())))
    return LiveState(**body)


def _wanted(found: Sequence[Candidate]) -> list[list[str | None]]:
    """In the order of the ladder: run, the moment that tells it apart from the same run made
    again, strategy."""
    return [
        [candidate.run_id, candidate.finished_at, candidate.strategy]
        for candidate in found
        if candidate.has_network
    ]


def _ask_networks(
    store: Store,
    experiment_id: str,
    found: Sequence[Candidate],
    picture: np.ndarray,
    work: Work,
) -> dict[str | None, _Answer]:
    """By run, what the networks said that could be asked; where nobody is there, once more."""
    wanted = _wanted(found)
    if not wanted:
        return {}
    body = {"do": work, "experiment": experiment_id, "runs": wanted}
    for may_try_again in (True, False):
        try:
            reply, arrays = ask(store, body, {"picture": picture}, ANSWER_SECONDS)
            break
        except NobodyThere as error:
            if not may_try_again:
                raise HeadstartError(ENDED) from error
            _wait_until_ready(store, experiment_id)
    if "failed" in reply:
        raise HeadstartError(reply["failed"])
    if reply["refused"]:
        raise BadInput(reply["refused"], "picture")
    return {run: _Answer(arrays[run], seconds) for run, seconds in reply["seconds"].items()}


def _wait_until_ready(store: Store, experiment_id: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        now = wake(store, experiment_id)
        if now.state == "ready":
            return
        if now.state == "failed":
            raise HeadstartError(now.error)
        if time.monotonic() > deadline:
            raise HeadstartError(
                f"The networks were not ready after {READY_SECONDS / 60:.0f} minutes; the machine "
                f"may be busy with other work ({now.step}). Ask again later."
            )
        time.sleep(POLL_SECONDS)


def _majority_answer(store: Store, experiment_id: str, candidate: Candidate) -> LiveAnswer:
    """The shares of the classes among the training images, whatever the picture shows."""
    spec = store.experiment(experiment_id).spec
    dataset = open_dataset(spec.dataset_id)
    split = spec.split.of(dataset)
    train = with_train_fraction(split, dataset, spec.train_share, spec.split.seed).train
    started = time.perf_counter()
    counts = np.bincount(dataset.labels[train], minlength=len(dataset.classes))
    probabilities = (counts / counts.sum()).astype(np.float32)
    seconds = time.perf_counter() - started
    return LiveAnswer(MAJORITY, candidate.run_id, candidate.seed, probabilities, seconds)
