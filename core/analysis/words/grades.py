"""How good forecasts and advice were, in sentences; what was not measured is said."""

from core.analysis.advice.experience import ENOUGH_CASES, OwnRecord
from core.analysis.advice.grades import AdviceRecord, Coverage, Quote
from core.analysis.advice.placing import AS_GOOD
from core.analysis.advice.replay import Replay
from core.analysis.comparison import title_of
from core.analysis.words.forecasts import SILENT, hit_words
from core.analysis.words.verdicts import points_text, points_words
from core.text import count_text, percent_text

NOTHING_GRADED = (
    "Not enough experience here: no forecast of this installation has been graded yet. One is "
    "graded when the first experiment after it runs that strategy on the same split and image size."
)
NO_SERIES = (
    "This version comes without a recorded series of other datasets, so what is known of forecasts "
    "is what was graded here."
)


def describe_coverage(coverage: Coverage | None) -> str:
    """How often the intervals held what came out, or that there are too few cases to say."""
    if coverage is None:
        return NOTHING_GRADED
    cases = count_text(coverage.cases, "graded forecast")
    hits = (
        f"{coverage.hits_80} of {cases} lay in the 80 % interval and {coverage.hits_95} in the "
        "95 % interval"
    )
    if coverage.cases < ENOUGH_CASES:
        return (
            f"Not enough experience ({coverage.cases} of {ENOUGH_CASES} cases): {hits}; what came "
            f"out was {points_text(coverage.lowest)} to {points_text(coverage.highest)} points "
            "from the forecast."
        )
    (low_80, high_80), (low_95, high_95) = coverage.interval_80, coverage.interval_95
    return (
        f"{hits}: {percent_text(coverage.hits_80 / coverage.cases)} where 80 % was promised "
        f"(95 % interval {points_text(low_80)} to {points_text(high_80)}), "
        f"{percent_text(coverage.hits_95 / coverage.cases)} where 95 % was ({points_text(low_95)} "
        f"to {points_text(high_95)}). The 80 % interval was {points_text(coverage.width_80)} "
        f"points wide on average.{_time_words(coverage)}"
    )


def describe_caution(record: OwnRecord) -> str | None:
    """That intervals are wider, or no forecast is shown; None where they held what they promise."""
    if not record.caution:
        return None
    if record.caution == "silent":
        return SILENT
    return (
        "That is fewer than chance allows, each dataset counted once, so new intervals are as wide "
        "as the errors of this installation alone ask for."
    )


def describe_record(record: AdviceRecord | None) -> list[str]:
    """The regret of the advice beside that of the rules, and what else it cost or saved."""
    if record is None:
        return ["No advice has been graded by an experiment yet."]
    found = []
    if record.regret is None:
        graded = count_text(record.datasets, "graded dataset")
        found.append(f"On {graded} the advice named nothing.")
    else:
        found.append(
            f"On {count_text(record.named, 'dataset')} the advice named a strategy: it was "
            f"{points_words(record.regret)} below the best one that was run, on average, and at "
            f"most {points_words(AS_GOOD)} below it on {record.within}."
        )
    if record.rules:
        rules = [f"{rule} {points_text(regret)}" for rule, regret in record.rules.items()]
        found.append(f"Rules that measure nothing were behind by: {'; '.join(rules)} points.")
    found.append(f"{percent_text(record.undecided, 0)} of all verdicts were “cannot tell”.")
    if record.saved is not None:
        verb = "saved" if record.saved >= 0 else "cost"
        found.append(
            "To train on parts of the images first and leave out what cannot win "
            f"{verb} {percent_text(abs(record.saved), 0)} of the time of running everything."
        )
    return found


def describe_replay(replay: Replay | None) -> list[str]:
    """What the recorded series says; each dataset was forecast from other sources alone."""
    if replay is None:
        return [NO_SERIES]
    found = [
        f"Recorded series: {count_text(replay.datasets, 'dataset')} of "
        f"{count_text(replay.sources, 'source')} of images, each forecast from the other sources "
        "alone, from trainings on a quarter of the images or ten of each class."
    ]
    if replay.trained is not None:
        found.append(f"From trainings: {describe_coverage(replay.trained)}")
    if replay.facts is not None:
        found.append(f"From the facts, probes alone: {describe_coverage(replay.facts)}")
    return found + (describe_record(replay.advice) if replay.advice is not None else [])


def describe_quote(quote: Quote) -> str:
    """One sentence for report and story: what was forecast, what came out, and the grade."""
    graded = quote.graded
    made = graded.forecast
    title = title_of(made.strategy)
    start = (
        f"The advice before this experiment was to run {title}, with a forecast of"
        if quote.is_advised
        else f"Before this experiment {title} was forecast to reach"
    )
    grade = {"hit": "inside it", "hit at 95 %": "inside the 95 % interval alone", "miss": "outside"}
    found = (
        f"{start} {percent_text(made.predicted)} (80 % interval {points_text(made.low_80)} to "
        f"{points_text(made.high_80)}): it reached {percent_text(graded.actual)}, "
        f"{grade[hit_words(graded)]}"
    )
    if quote.regret is None:
        return f"{found}."
    if quote.regret <= 0:
        return f"{found}, and nothing that was run is better."
    return f"{found}, {points_words(quote.regret)} below the best that was run."


def _time_words(coverage: Coverage) -> str:
    if not coverage.timed:
        return ""
    return f" {coverage.time_hits} of {coverage.timed} took the time that was forecast (80 %)."
