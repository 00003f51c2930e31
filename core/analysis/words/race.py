"""A race in sentences: how it ended, who leads, who cannot win and why, what is undecided."""

from core.analysis.advice.race.request import Race, RacePlan, Verdict
from core.analysis.advice.race.rule import Kept, Racer, Scored
from core.analysis.comparison import title_of
from core.analysis.words.verdicts import closed, interval_words
from core.text import count_text, percent_text, rough_seconds_text, seconds_text

MOST_NAMES = 6
HOW = (
    "Not sure what to run, and no time to run everything? In a race all strategies train on a "
    "small part of your training images, then on larger parts, until the minutes are up. Those "
    "that cannot win any more drop out; you run the others on all images. Test images are not "
    "touched."
)
WHEN_DROPPED = (
    "The parts are a sixteenth, an eighth and a quarter of the training images, each inside the "
    "next, with at least ten images of each class. Validation images say how good a strategy is.",
    "The last two results of a strategy, continued in a straight line and with luck on its side, "
    "say what it may reach at best with all images. It is dropped when even that is below what the "
    "leader has already, bad luck included. Accuracy usually grows more slowly the more images "
    "there are, so what could still win is kept.",
    "Three are never dropped, because they show what pre-training is worth: the majority class, "
    "the best probe (a pre-trained network with one new layer) and the best network that was not "
    "pre-trained.",
)
HOW_TO_READ = (
    "How many of the validation images each strategy gets right after its largest training so far; "
    "the bar is the 95 % interval. Small open markers: its smaller trainings. Dotted: what it may "
    "reach at best with all images; where that ends left of the vertical line, it cannot win."
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
    of = {
        verdict: [one for one in race.status.racers if race.verdict(one) is verdict]
        for verdict in (Verdict.DROPPED, Verdict.FAILED)
    }
    if of[Verdict.DROPPED]:
        titles = [title_of(one.strategy) for one in of[Verdict.DROPPED]]
        found.append(f"Cannot win here any more: {'; '.join(titles)}.")
    found += [
        f"{closed(title_of(one.strategy))} was {verdict_words(race, one)}."
        for one in of[Verdict.FAILED]
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
        f"{closed(title_of(leader.strategy))} leads: trained on {leader.last.images:,} of "
        f"{count_text(race.spec.train_images, 'training image')}, it is right for "
        f"{scored_words(leader.last)} of {images}."
    )


def describe_undecided(race: Race) -> str:
    """What the race leaves open."""
    count, remain = len(race.status.racers), len(race.remaining)
    start = f"{remain} of {count_text(count, 'strategy')} {'remains' if remain == 1 else 'remain'}"
    if not race.undecided:
        return (
            f"{start}; if accuracy grows more slowly with more images, as it usually does, nobody "
            "can overtake the leader."
        )
    if len(race.undecided) > MOST_NAMES:
        return (
            f"{start}. Undecided are {len(race.undecided)} of them: they might still be better on "
            "all images."
        )
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
            f"{verdict} here: at best it would reach {percent_text(drop.line)} with all images, "
            f"below the {percent_text(drop.leader_low)} that {closed(title_of(drop.leader))} had "
            f"already (dropped after {count_text(drop.images, 'training image')})"
        )
    if verdict is Verdict.KEPT and one.kept is not None:
        return f"{verdict}: {_KEPT[one.kept]}"
    if verdict is Verdict.UNKNOWN:
        trainings = count_text(len(one.points), "training") if one.points else "no training yet"
        return f"{verdict}: {trainings}, and it takes two to see where it goes"
    if verdict is Verdict.OPEN and one.line is not None:
        return f"{verdict}: it may reach {percent_text(one.line)} at best with all images"
    return str(verdict)


def scored_words(point: Scored) -> str:
    """``66.0 % (95 % interval 56.0 to 74.8)``."""
    return f"{percent_text(point.accuracy)} ({interval_words(point.low, point.high)})"
