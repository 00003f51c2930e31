"""What to run first on a dataset, and what that rests on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.analysis.advice.facts import Facts
from core.analysis.advice.forecasts import leader_of
from core.analysis.advice.placing import Placement, proposal
from core.experiments.accuracy_forecasts import AccuracyForecast
from core.strategies.registry import MAJORITY, STRATEGIES, names_with
from core.strategies.strategy import Role


@dataclass(frozen=True)
class FirstChoice:
    """What to run: one ``strategy`` first; ``strategies`` are that and what to compare it with,
    cheap ones first, with ``settings`` ("strategy.setting") that differ from the preset.

    ``together``: the forecasts that it rests on, the highest first, made of trainings on parts of
    the images; empty where it rests on the facts alone.
    """

    strategy: str
    strategies: tuple[str, ...]
    settings: Mapping[str, int]
    together: tuple[AccuracyForecast, ...] = ()

    @property
    def forecast(self) -> AccuracyForecast | None:
        """That of the strategy; None where it rests on the facts alone."""
        return next((one for one in self.together if one.strategy == self.strategy), None)


def first_choice(
    facts: Facts, placement: Placement, made: Sequence[AccuracyForecast]
) -> FirstChoice | None:
    """By the forecasts ``made`` from trainings, where there are any of what learns from images;
    else the probe of the smallest network that is not clearly behind the best. None where neither
    is known.

    Where the forecasts are sure, what is worth running is compared with the baseline and the best
    without pre-training; else with what the tutorial's rule names too.
    """
    together = made_together(made)
    leader = leader_of([one for one in together if _role_of(one) not in (None, Role.BASELINE)])
    proposed = proposal(facts, placement)
    if leader is None:
        if proposed is None:
            return None
        (probe, *_) = names_with(Role.LINEAR_PROBE, backbone=proposed.backbone.name)
        return FirstChoice(probe, proposed.strategies, proposed.settings)
    wanted = {leader.strategy, MAJORITY}
    if leader.verdict == "worth":
        wanted |= {one.strategy for one in together if one.verdict == "worth" and _role_of(one)}
        scratch = leader_of([one for one in together if _role_of(one) is Role.FROM_SCRATCH])
        wanted |= set() if scratch is None else {scratch.strategy}
    elif proposed is not None:
        wanted |= set(proposed.strategies)
    settings = {} if proposed is None else proposed.settings
    return FirstChoice(
        leader.strategy,
        tuple(sorted(wanted, key=lambda name: (STRATEGIES[name].cost, name))),
        {name: value for name, value in settings.items() if name.partition(".")[0] in wanted},
        tuple(sorted(together, key=lambda one: -one.predicted)),
    )


def made_together(made: Sequence[AccuracyForecast]) -> list[AccuracyForecast]:
    """Those with verdicts, which are among each other: the newest that were made together."""
    judged = [one for one in made if one.verdict is not None]
    newest = max(judged, key=lambda one: one.made_at).batch if judged else ""
    return [one for one in judged if one.batch == newest]


def _role_of(one: AccuracyForecast) -> Role | None:
    """None for a strategy that is here no more."""
    return STRATEGIES[one.strategy].role if one.strategy in STRATEGIES else None
