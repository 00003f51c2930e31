"""How good forecasts and advice were, in sentences; what was not measured is said."""

from core.analysis.advice.experience import ENOUGH_CASES, LEVELS, OwnRecord
from core.analysis.advice.grades import AdviceRecord, Coverage, Quote
from core.analysis.advice.placing import AS_GOOD
from core.analysis.advice.replay import Replay
from core.analysis.comparison import title_of
from core.analysis.words.forecasts import SILENT, hit_words, range_words
from core.analysis.words.verdicts import (
    closed,
    interval_words,
    points_text,
    points_words,
    signed_points,
)
from core.text import count_text, list_text, percent_text

NOTHING_GRADED = (
    "No forecast of this installation has been checked yet. The first experiment that runs a "
    "strategy after its forecast checks it, on the same split and image size."
)
NO_SERIES = (
    "This version comes without a recorded series of other datasets, so all that is known of "
    "forecasts is what was checked here."
)


def describe_coverage(coverage: Coverage | None) -> str:
    """How often the intervals held what came out, or that there are too few cases to say."""
    if coverage is None:
        return NOTHING_GRADED
    if coverage.cases == 1:
        return (
            f"The one forecast that came out lay {_where(coverage)}: what came out was "
            f"{signed_points(coverage.lowest)} points from it. That is too little experience: it "
            f"takes {ENOUGH_CASES}."
        )
    if coverage.cases < ENOUGH_CASES:
        return (
            f"{coverage.hits_80} of {count_text(coverage.cases, 'forecast')} that came out lay in "
            f"the range for 8 of 10, {coverage.hits_95} in that for 19 of 20; what came out was "
            f"{signed_points(coverage.lowest)} to {signed_points(coverage.highest)} points from "
            f"the forecast. That is too little experience: it takes {ENOUGH_CASES}."
        )
    return (
        f"Of {count_text(coverage.cases, 'forecast')} that came out, "
        f"{_promise(coverage, LEVELS[0], coverage.hits_80, coverage.interval_80)}; "
        f"{_promise(coverage, LEVELS[1], coverage.hits_95, coverage.interval_95)}. The range "
        f"for 8 of 10 was {points_text(coverage.width_80)} points wide on average."
        f"{_time_words(coverage)}"
    )


def _where(one: Coverage) -> str:
    """Where the only one lay."""
    if one.hits_80:
        return "in the range for 8 of 10"
    return "in the range for 19 of 20 alone" if one.hits_95 else "in no range"


def _promise(coverage: Coverage, level: float, hits: int, interval: tuple[float, float]) -> str:
    """How many were hit, and whether that is what was promised, but for luck."""
    low, high = interval
    verdict = "as promised" if low <= level <= high else "more than promised"
    if level > high:
        verdict = "fewer than promised"
    name = "8 of 10" if level == LEVELS[0] else "19 of 20"
    return (
        f"{hits:,} lay in the range for {name}, {verdict} ({percent_text(hits / coverage.cases)}, "
        f"{interval_words(low, high)})"
    )


def describe_caution(record: OwnRecord) -> str | None:
    """That intervals are wider, or no forecast is shown; None where they held what they promise."""
    if not record.caution:
        return None
    if record.caution == "silent":
        return SILENT
    return (
        "That is fewer than luck allows, each dataset counted once, so the ranges of new forecasts "
        "are as wide as the misses of this installation ask for."
    )


def describe_record(record: AdviceRecord | None) -> list[str]:
    """What it would have cost to follow the advice, and what else it cost or saved."""
    if record is None:
        return ["No advice has been checked by an experiment yet."]
    found = []
    if record.regret is None:
        graded = count_text(record.datasets, "checked dataset")
        found.append(f"On {graded} the advice named nothing.")
    else:
        below = (
            "Whoever had run only what the advice named would have ended "
            f"{points_words(record.regret)} below the best that was run"
        )
        found.append(
            f"{below}, on the one dataset that was checked."
            if record.named == 1
            else f"{below}, on average over {record.named:,} datasets; on {record.within:,} of "
            f"them at most {points_words(AS_GOOD)} below."
        )
    found.append(f"{percent_text(record.undecided, 0)} of all verdicts were “cannot tell”.")
    if record.saved is not None:
        more = "less" if record.saved >= 0 else "more"
        found.append(
            "Trying parts of the images first and leaving out what cannot win took "
            f"{percent_text(abs(record.saved), 0)} {more} time than running everything."
        )
    return found


def describe_rules(record: AdviceRecord | None) -> list[str]:
    """What it would have cost to follow a simple rule, on the same datasets, and whether one of
    them would have served better than the advice."""
    if record is None or record.regret is None or not record.rules:
        return []
    rules = [f"{rule} {points_text(regret)}" for rule, regret in record.rules.items()]
    better = [f"“{rule}”" for rule, regret in record.rules.items() if regret < record.regret]
    which = f"Following {list_text(better, last='or')}" if better else "None of them"
    return [
        "On the same datasets simple rules would have ended below the best by: "
        f"{'; '.join(rules)} points.",
        f"{which} would have served better than the advice, on average.",
    ]


def describe_series(replay: Replay | None) -> list[str]:
    """How the recorded series came about, and how often its intervals held."""
    if replay is None:
        return [NO_SERIES]
    found = [
        f"Tested on {count_text(replay.datasets, 'dataset')} of "
        f"{count_text(replay.sources, 'source')} whose results come with Headstart. Each was "
        "forecast as if it were new: from trainings on a quarter of its images (or ten of each "
        "class), knowing the datasets of other sources alone. Then it was trained on all of them."
    ]
    if replay.trained is not None:
        found.append(f"From such trainings: {describe_coverage(replay.trained)}")
    if replay.facts is not None:
        found.append(f"From the quick test, probes alone: {describe_coverage(replay.facts)}")
    found.append(
        f"On {replay.beaten} of the {count_text(replay.datasets, 'dataset')} another strategy was "
        "better, by more than luck, than the one that the advice named."
    )
    if replay.usual is not None:
        found.append(f"The best on average of all of them was {title_of(replay.usual)}.")
    return found


def describe_replay(replay: Replay | None) -> list[str]:
    """All that the recorded series says."""
    advice = None if replay is None else replay.advice
    found = describe_series(replay)
    return found if advice is None else [*found, *describe_record(advice), *describe_rules(advice)]


def describe_quote(quote: Quote) -> str:
    """One sentence for report and story: what was forecast, what came out, and the grade."""
    graded = quote.graded
    made = graded.forecast
    title = title_of(made.strategy)
    start = (
        f"The advice before this experiment was to run {title}, which was expected"
        if quote.is_advised
        else f"Before this experiment {closed(title)} was expected"
    )
    grade = {
        "hit": "in that range",
        "near": "outside that range, but inside the wider one for 19 of 20 cases",
        "miss": "outside that range",
    }
    found = (
        f"{start} to get {percent_text(made.predicted)} of the test images right "
        f"({range_words(made.low_80, made.high_80)} in 8 of 10 cases). It got "
        f"{percent_text(graded.actual)}, {grade[hit_words(graded)]}"
    )
    if quote.regret is None:
        return f"{found}."
    if quote.regret <= 0:
        return f"{found}, and nothing that was run is better."
    return f"{found}, {points_words(quote.regret)} below the best that was run."


def _time_words(coverage: Coverage) -> str:
    if not coverage.timed:
        return ""
    return f" {coverage.time_hits:,} of {coverage.timed:,} took a time in its range for 8 of 10."
