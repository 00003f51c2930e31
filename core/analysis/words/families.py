"""Many strategies at once: names of their groups, and what the pairs that matter show."""

from collections.abc import Sequence

from core.analysis.families import Group, GroupKind, KeyPair, Question
from core.analysis.verdicts import Outcome, PairVerdict
from core.analysis.words.verdicts import (
    TIED,
    closed,
    holm_words,
    number_word,
    outcome_phrase,
    points_words,
)
from core.text import count_text

_BESIDE = ", and those without a backbone"
_OTHERS = {
    Question.PRETRAINED: "the best from scratch ({title})",
    Question.FURTHER: "the probe of the same backbone",
    Question.LARGER: "the probe of the smallest backbone ({title})",
}
_HEADINGS = {
    Question.PRETRAINED: "Over {title}, the best from scratch",
    Question.FURTHER: "Trained further, over its own probe",
    Question.LARGER: "Over {title}, the smallest",
}


def key_sections(pairs: Sequence[KeyPair]) -> dict[str, dict[str, PairVerdict]]:
    """For a chart: the pairs of each question under its heading, by the title of the second."""
    found: dict[str, dict[str, PairVerdict]] = {}
    for pair in pairs:
        heading = _HEADINGS[pair.question].format(title=pair.verdict.first_title)
        found.setdefault(heading, {})[pair.verdict.second_title] = pair.verdict
    return found


def group_title(group: Group) -> str:
    """For a list: ``VGG16 (8)``."""
    count = len(group.strategies)
    if group.kind is GroupKind.ALL:
        return f"All {count} strategies"
    if group.kind is GroupKind.MAIN:
        return f"The main ones ({count})"
    if group.kind is GroupKind.MODE:
        return f"{group.name} of every backbone ({count})"
    return f"{group.name} ({count})"


def describe_group(group: Group, strategies: int) -> str:
    """Which are shown of how many; "" for all."""
    beside = _BESIDE if group.is_beside else ""
    meaning = {
        GroupKind.ALL: "",
        GroupKind.MAIN: f"of each backbone its probe and the mode that trains most of it{beside}",
        GroupKind.BACKBONE: f"every mode of {group.name}{beside}",
        GroupKind.MODE: f"{group.name} of every backbone{beside}",
    }[group.kind]
    if not meaning:
        return ""
    return f"{len(group.strategies)} of {count_text(strategies, 'strategy')} are shown: {meaning}."


def describe_key_pairs(pairs: Sequence[KeyPair]) -> list[str]:
    """A sentence for each question, and last over which pairs Holm's correction is."""
    found = []
    for question in Question:
        verdicts = [pair.verdict for pair in pairs if pair.question is question]
        if verdicts:
            found.append(_sentence(question, verdicts))
    return [*found, holm_words(len(pairs), "those of this chart")] if pairs else []


def _sentence(question: Question, verdicts: Sequence[PairVerdict]) -> str:
    """Who is ahead, then who is level, then who is behind."""
    other = _OTHERS[question].format(title=verdicts[0].first_title)
    sentences = []
    for outcome in (Outcome.AHEAD, Outcome.TIED, Outcome.BEHIND):
        of = [verdict for verdict in verdicts if verdict.settled_outcome is outcome]
        if len(of) == 1:
            phrase = outcome_phrase(outcome, of[0].difference, other)
            sentences.append(f"{closed(of[0].second_title)} {phrase}.")
        elif of:
            sentences.append(f"{_several(outcome, len(of), other)}: {'; '.join(map(_entry, of))}.")
    return " ".join(sentences)


def _several(outcome: Outcome, count: int, other: str) -> str:
    found = {
        Outcome.AHEAD: "are ahead of",
        Outcome.TIED: f"{TIED} from",
        Outcome.BEHIND: "are behind",
    }[outcome]
    return f"These {number_word(count)} {found} {other}"


def _entry(verdict: PairVerdict) -> str:
    if verdict.settled_outcome is Outcome.TIED:
        return verdict.second_title
    return f"{closed(verdict.second_title)} by {points_words(abs(verdict.difference))}"
