"""A race in sentences: how it ended, who leads, who cannot win and why, what is undecided."""

from core.analysis.advice.race.request import Race, RacePlan, Verdict
from core.analysis.advice.race.rule import Kept, Racer, Scored
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import closed, interval_words
from core.text import count_text, percent_text, rough_seconds_text, seconds_text

HOW = (
    "Which strategies are worth a full run? All are trained on a small part of the training "
    "images, then on larger ones, until the time is up. Whoever cannot win any more is dropped, "
    "and you run those that remain. Test images are not touched."
)
WHEN_DROPPED = (
    "The parts are a sixteenth, an eighth and a quarter of the training images, each inside the "
    "next, with at least ten images of each class; validation images say how good a strategy is.",
    "From the last two results of a strategy an optimistic line goes on to all training images, as "
    "steeply as their intervals allow. A strategy is dropped when even that line ends below the "
    "lower end of the interval of whoever leads. A learning curve that flattens stays below its "
    "line, so what could still win is kept.",
    "The majority class, the best probe and the best network without pre-training are never "
    "dropped: without them nobody could say what pre-training is worth.",
)
_KEPT = {
    Kept.BASELINE: "the baseline",
    Kept.BEST_PROBE: "the best probe",
    Kept.FROM_SCRATCH: "the best without pre-training",
}


def describe_quick(plan: RacePlan) -> str | None:
    """That a race is not worth its time; None where it may be."""
    seconds = plan.forecast.seconds
    if not plan.is_quick or seconds is None:
        return None
    everything = count_text(len(plan.spec.names), "strategy")
    return (
        f"Just run it: {everything} on all {count_text(plan.spec.train_images, 'training image')} "
        f"take about {rough_seconds_text(seconds)}, so there is little to save by a race."
    )


def describe_race(race: Race) -> list[str]:
    """All that a race says, in the order in which it matters."""
    found = [describe_end(race), describe_leader(race)]
    for verdict, verb in ((Verdict.DROPPED, ""), (Verdict.FAILED, "was ")):
        found += [
            f"{closed(title_of(one.strategy))} {verb}{verdict_words(race, one)}."
            for one in race.status.racers
            if race.verdict(one) is verdict
        ]
    return [*found, describe_undecided(race)]


def describe_end(race: Race) -> str:
    """Whether it is over, and why."""
    minutes = f"{race.spec.minutes:,} min"
    if race.job.is_active:
        return f"The race is not over yet; it ends after {minutes} at the latest."
    if race.ended == "time":
        return f"The budget of {minutes} was used up before every training was done."
    if race.ended == "done":
        return f"Every training that the race needed was done in {seconds_text(race.seconds)}."
    if race.job.state == "cancelled":
        return "The race was cancelled; what was trained until then counts."
    return f"The race ended early. {race.job.error or ''} What was trained until then counts."


def describe_leader(race: Race) -> str:
    leader = race.status.leader
    if leader is None or leader.last is None:
        return "No training is done yet, so nobody leads."
    images = count_text(race.status.validation_images, "validation image")
    return (
        f"{title_of(leader.strategy)} leads: trained on {leader.last.images:,} of "
        f"{count_text(race.spec.train_images, 'training image')}, it is right for "
        f"{scored_words(leader.last)} of {images}."
    )


def describe_undecided(race: Race) -> str:
    """What the race leaves open."""
    count, remain = len(race.status.racers), len(race.remaining)
    start = f"{remain} of {count_text(count, 'strategy')} {'remains' if remain == 1 else 'remain'}"
    if not race.undecided:
        return f"{start}; if curves flatten, as they usually do, nobody can overtake the leader."
    titles = "; ".join(title_of(name) for name in race.undecided)
    return f"{start}. Undecided, as they might still be better on all images: {titles}."


def verdict_words(race: Race, one: Racer) -> str:
    """What is said of one strategy, for a cell of a table or after its title."""
    verdict = race.verdict(one)
    if verdict is Verdict.FAILED:
        return f"{verdict}: {race.failed[one.strategy].removesuffix('.')}"
    if one.dropped is not None:
        drop = one.dropped
        return (
            f"{verdict} here: even its optimistic line ended at {percent_text(drop.line)}, below "
            f"the {percent_text(drop.leader_low)} that {closed(title_of(drop.leader))} had at "
            f"least (dropped at {count_text(drop.images, 'training image')})"
        )
    if verdict is Verdict.KEPT and one.kept is not None:
        return f"{verdict}: {_KEPT[one.kept]}"
    if verdict is Verdict.UNKNOWN:
        return f"{verdict}: {count_text(len(one.points), 'point')}, and a line needs two"
    if verdict is Verdict.OPEN and one.line is not None:
        return f"{verdict}: its optimistic line ends at {percent_text(one.line)}"
    return str(verdict)


def scored_words(point: Scored) -> str:
    """``66.0 % (95 % interval 56.0 to 74.8)``."""
    return f"{percent_text(point.accuracy)} ({interval_words(point.low, point.high)})"
