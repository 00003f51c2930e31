"""The sentences of the story: a head start wins, loses or ties, or runs are missing."""

from dataclasses import replace

import numpy as np

from core.analysis.story import StoryFacts, scene_keys
from core.analysis.words.story import missing_sentence, scene_of
from tests.analysis.made_rights import CLIMBING, LOST, TIED, WON, facts_of, right


def sentence(key: str, facts: StoryFacts, other: StoryFacts | None = None) -> str:
    return scene_of(key, facts, other).sentence


def constant() -> StoryFacts:
    """A network that predicts the commonest class for every image."""
    facts = facts_of({"cnn": right(20)})
    (answers,) = facts.evidence.answers
    alike = replace(answers, predicted=np.zeros_like(answers.predicted))
    facts.__dict__["evidence"] = replace(facts.evidence, answers=(alike,))
    return facts


def with_a_long_run(count: int) -> StoryFacts:
    """A second pre-trained strategy that takes longer and gets ``count`` images right."""
    facts = facts_of(CLIMBING | {"vgg16_finetune": right(count)})
    facts.rows["vgg16_finetune"] = replace(facts.rows["vgg16_finetune"], end_to_end_seconds=90.0)
    return facts


def test_the_sentences(held):
    climbing, moths = facts_of(CLIMBING), "moths"
    plain = facts_of(CLIMBING, kept=False)
    other = facts_of({"cnn": right(60), "vgg16_probe": right(70)}, dataset=moths)
    tied = facts_of({"mlp": right(40), "cnn": right(42), "vgg16_probe": right(44)})
    low = facts_of({"mlp": right(5), "cnn": right(22, start=10)})
    seeds = np.concatenate([right(95), right(0), right(0)])
    disagree = facts_of({"mlp": np.concatenate([right(21)] * 3), "cnn": seeds})
    alone = facts_of({"vgg16_probe": right(90)})
    found = {}
    for key in scene_keys(climbing, other):
        scene = scene_of(key, climbing, other)
        found |= {f"{key}": scene.sentence, f"{key}, small print": scene.small_print}
    elsewhere = {
        "won, tied": (WON, TIED),
        "won, lost": (WON, LOST),
        "lost, tied": (LOST, TIED),
        "lost, lost": (LOST, LOST),
        "lost, won": (LOST, WON),
        "won, won below the baseline": (
            CLIMBING,
            {"mlp": right(3, start=50), "vgg16_probe": right(20)},
        ),
    }
    held(
        found
        | {
            "cnn, tied": sentence("cnn", tied),
            "head_start, tied": sentence("head_start", tied),
            "head_start, behind": sentence("head_start", facts_of(LOST)),
            "head_start, no other network": sentence("head_start", alone),
            "mlp, behind the baseline": sentence("mlp", low),
            "cnn, tied with the baseline": sentence("cnn", low),
            "cnn, learned nothing": sentence("cnn", constant()),
            "cnn, the seeds disagree": sentence("cnn", disagree),
            "mlp, no predictions": sentence("mlp", plain),
            "head_start, no predictions": sentence("head_start", plain),
            "head_start, no predictions, small print": scene_of(
                "head_start", plain, None
            ).small_print,
            "time, no head start": sentence("time", low),
            "time, a long run that is tied, small print": scene_of(
                "time", with_a_long_run(91), None
            ).small_print,
        }
        | {
            f"elsewhere, {name}": sentence(
                "elsewhere", facts_of(own), facts_of(there, dataset=moths)
            )
            for name, (own, there) in elsewhere.items()
        }
        | {
            "elsewhere, no predictions": sentence(
                "elsewhere", facts_of(WON), facts_of(WON, dataset=moths, kept=False)
            ),
            "missing, two networks": missing_sentence(alone) or "",
            "missing, a pre-trained one": missing_sentence(low) or "",
            "missing, none": missing_sentence(climbing) or "",
        }
    )
