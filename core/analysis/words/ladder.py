"""The steps of the ladder in sentences."""

from core.analysis.ladder import LadderStep
from core.analysis.verdicts import Outcome
from core.analysis.words.verdicts import closed, interval_words, points_words, standing
from core.text import percent_text


def describe_step(step: LadderStep) -> str:
    """One step. It is compared by its interval alone, not by the test of ``words.verdicts``."""
    share = percent_text(step.accuracy)
    if step.over is None or step.gain is None or step.low is None or step.high is None:
        return f"{step.title} is right for {share} of the test images."
    details = interval_words(step.low, step.high) + (", one seed" if step.seeds == 1 else "")
    start = f"{closed(step.title)} gets {share} right"
    if step.outcome is Outcome.TIED:
        size = f"difference {points_words(step.gain)}"
        return f"{start}, no clear step over {step.over} ({size}, {details})."
    return f"{start} and {standing(step.outcome, step.gain, step.over)} ({details})."
