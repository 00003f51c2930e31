"""Which strategies of an experiment answer live, and the sentence where one does not."""

import numpy as np
import pytest

from core.datasets.storage import remove_dataset
from core.experiments.planning import plan_experiment
from core.experiments.run_files import weights_path, write_weights
from core.experiments.store import Store
from core.live import candidates as live_candidates
from core.live.candidates import Candidate, candidates
from core.training.events import KeptWeights
from tests import made_up

KEPT = {"any/kernel": np.zeros(1, np.float32)}
NOT_KEPT = "The weights of this run were not kept: "


def stored(store: Store, strategies: list[str], seeds: tuple[int, ...] = (0,)) -> str:
    """An experiment whose runs are all finished, with weights but for majority."""
    spec = plan_experiment("arrows", strategies, image_size=64, seeds=seeds)
    experiment_id = store.create_experiment(spec)
    while (job := store.claim_next("worker")) is not None:
        if store.run(job.id).strategy != "majority":
            write_weights(job.id, KEPT)
        store.finish_run(job.id, made_up.result(weights=KeptWeights(10)))
    return experiment_id


def test_all_that_kept_their_weights_in_the_order_of_the_ladder(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["cnn", "majority", "mlp"], seeds=(3, 5))
    found = candidates(arrows_store, experiment_id)
    assert [(each.strategy, each.run_id, each.seed, each.why_not) for each in found] == [
        ("majority", f"{experiment_id}-majority-3", 3, None),
        ("mlp", f"{experiment_id}-mlp-3", 3, None),
        ("cnn", f"{experiment_id}-cnn-3", 3, None),
    ]
    assert [each.has_network for each in found] == [False, True, True]
    run = arrows_store.run(f"{experiment_id}-mlp-3")
    assert found[1].finished_at == run.finished_at


def test_the_first_seed_with_weights_answers(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"], seeds=(3, 5))
    weights_path(f"{experiment_id}-mlp-3").unlink()
    assert candidates(arrows_store, experiment_id)[1].run_id == f"{experiment_id}-mlp-5"
    weights_path(f"{experiment_id}-mlp-5").unlink()
    assert candidates(arrows_store, experiment_id)[1].why_not == (
        f"{NOT_KEPT}their file was removed. Run the benchmark here to see where it looked."
    )


def test_majority_answers_also_where_it_was_not_run(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    assert candidates(arrows_store, experiment_id)[0] == Candidate("majority", None, None, None)


def test_a_run_that_waits_says_so(arrows_store: Store) -> None:
    spec = plan_experiment("arrows", ["mlp"], image_size=64)
    experiment_id = arrows_store.create_experiment(spec)
    assert candidates(arrows_store, experiment_id)[1].why_not == (
        f"Run {experiment_id}-mlp-0 is queued: only a finished run has a network to look at."
    )


def test_without_the_imagenet_weights_its_strategies_say_what_to_do(
    arrows_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    monkeypatch.setattr(live_candidates, "is_available", lambda weight_set: weight_set.include_top)
    run = arrows_store.run(f"{experiment_id}-mlp-0")
    probe = made_up.run(strategy="vgg16_probe", settings={}, id="x", experiment_id=experiment_id)
    assert live_candidates._why_no_imagenet(run) is None
    reason = live_candidates._why_no_imagenet(probe)
    assert reason is not None
    assert reason.startswith(
        "VGG16 probe stands on VGG16's ImageNet weights, which are not on this machine. "
        "Run `python -m core backbones fetch vgg16`"
    )
    whole = made_up.run(strategy="vgg16_freeze", settings={"head": "fc"}, id="y")
    assert live_candidates._why_no_imagenet(whole) is None


def test_without_its_dataset_nothing_answers(arrows_store: Store) -> None:
    experiment_id = stored(arrows_store, ["mlp"])
    remove_dataset("arrows")
    reasons = {each.why_not for each in candidates(arrows_store, experiment_id)}
    assert reasons == {
        "The dataset arrows was removed, and nobody can say any more how its pictures were "
        "prepared."
    }
