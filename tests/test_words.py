"""Retired words stay out of names and of page texts; DESIGN, "The words", says what to write.

A name is read word by word: ``train_share`` has the words "train" and "share".
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("core", "pages")

# A retired word, and the standard one.
RETIRED = {
    "side": "subset (or size, of a square)",
    "sides": "subsets",
    "share": "fraction",
    "shares": "fractions",
    "said": "predicted",
    "told": "predicted, reported",
    "sure": "confident",
    "sureness": "confidence",
    "flips": "disagreements",
    "ledger": "time breakdown",
    "measures": "metrics",
    "rungs": "strategies",
    "watched": "tracked",
    "learner": "training snapshot",
}
# Rooms whose names are also free of these.
CLEAN_ROOMS = (
    *("core/jobs", "core/datasets", "core/experiments", "core/live", "core/cli", "core/ui"),
    *("core/backbones", "core/layers", "core/strategies", "core/training", "core/networks"),
    *("core/charts", "core/analysis", "core/reports"),
)
RETIRED_THERE = {"picture": "image", "pictures": "images", "standing": "status", "tell": "report"}
# Names that stay, and why.
ALLOWED = {
    "tell": "a method of files",
    "train_share": "a key of stored specs and of JSON; the command line says --train-fraction",
    "told_apart": "the verdict on a pair is worded 'cannot be told apart'",
    "is_told_apart": "the same verdict",
    "nearest_told_apart": "the same verdict",
    "TOLD_APART": "the same verdict, in words",
    "side": "pixels of one side of a square image; also an argument of Plotly",
    "side_of": "pixels of one side of a drawn square",
    "network_side": "pixels of one side of what a network sees",
}
# Texts that people read: a retired phrase, and the standard one.
PHRASES = {
    r"\bwhat was said\b": "predicted",
    r"\btaken for what\b": "confusion matrix",
    r"\b(put|puts) right\b": "fixed",
    r"\bbroken by\b": "regressed",
    r"\bnamed right": "correct",
    r"\bsure mistake": "confident mistake",
    r"\bsurest\b": "highest confidence",
    r"% sure\b": "% confidence",
    r"\bhow sure\b": "confidence",
    r"\bsureness\b": "confidence",
    r"\bledger\b(?!\.)": "time breakdown",
    r"\b(learn|learned|learnt)\b.* by heart\b": "memorise, overfitting",
    r"\bby heart\b": "memorise, overfitting",
    r"\b(no|one|both|each|test|training) sides? of (its|the|a) split": "subset",
    r"\balways (saying|says|naming)\b": "always predicting",
    r"\bstands? under\b": "appears in",
    r"\b(spoke|speaks) for\b": "supports",
    r"\bevery measure\b": "every metric",
    r"\b(the|of its|its|this) share of\b": "fraction",
}
TEXT_FOLDERS = (
    *("core/ui", "pages", "core/analysis/words", "core/charts", "core/reports"),
    *("core/backbones", "core/layers", "core/strategies", "core/training", "core/networks"),
    *("core/charts", "core/analysis", "core/reports"),
)


def _words(name: str) -> list[str]:
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def _trees(folders: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def _names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every name that the module gives or uses, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg, node.value.lineno
        elif isinstance(node, ast.Attribute):
            yield node.attr, node.lineno
        elif isinstance(node, ast.Name):
            yield node.id, node.lineno


def _texts(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every string that is no docstring, with its line."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from [(node.value, node.lineno)] if id(node) not in docstrings else []


def test_names_use_the_standard_words():
    found = {
        f"{path}:{line}: {name}: write {RETIRED[word]}"
        for path, tree in _trees(FOLDERS)
        for name, line in _names(tree)
        if name not in ALLOWED
        for word in _words(name)
        if word in RETIRED
    }
    assert not found, "\n" + "\n".join(sorted(found))


def test_names_of_clean_rooms_stay_clean():
    found = {
        f"{path}:{line}: {name}: write {RETIRED_THERE[word]}"
        for path, tree in _trees(CLEAN_ROOMS)
        for name, line in _names(tree)
        if name not in ALLOWED
        for word in _words(name)
        if word in RETIRED_THERE
    }
    assert not found, "\n" + "\n".join(sorted(found))


def test_every_allowed_name_is_still_there():
    known = {name for _, tree in _trees(FOLDERS) for name, _ in _names(tree)}
    assert set(ALLOWED) <= known


def test_texts_of_pages_use_the_standard_words():
    texts = [
        (f"{path}:{line}", text)
        for path, tree in _trees(TEXT_FOLDERS)
        for text, line in _texts(tree)
    ]
    texts += [
        (str(path.relative_to(ROOT)), " ".join(path.read_text(encoding="utf-8").split()))
        for path in [*(ROOT / "core/ui").rglob("*.md"), *(ROOT / "core/reports").rglob("*.j2")]
    ]
    found = [
        f"{place}: {text!r}: write {standard}"
        for place, text in texts
        for phrase, standard in PHRASES.items()
        if re.search(phrase, text, re.IGNORECASE)
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("name", "words"),
    [("train_share", ["train", "share"]), ("SideFacts", ["side", "facts"]), ("TILE", ["tile"])],
)
def test_a_name_is_read_word_by_word(name, words):
    assert _words(name) == words
