"""The glossary: every term has a meaning in one or two sentences, and a typing error is loud."""

import re

import pytest

from core.backbones.registry import BACKBONES
from core.errors import UnknownName
from core.strategies.registry import STRATEGIES
from core.ui.widgets.glossary import explain, explain_all, explain_strategy, glossary


def test_a_term_is_explained_in_one_to_three_short_sentences():
    assert len(glossary()) > 30
    for term in glossary():
        text = explain(term)
        assert text.endswith("."), term
        assert 1 <= len(re.findall(r"\.(?= |$)", text.replace("et al.", "et al"))) <= 3, term
        assert len(text) <= 220, term
        assert not set("*_`<>[]$") & set(text), term


def test_an_unknown_term_names_the_known_ones():
    with pytest.raises(
        UnknownName, match=r"no term of the glossary named 'entropy'.*majority class"
    ):
        explain("entropy")


def test_several_terms_are_listed_with_their_names():
    assert explain_all("run", "class") == (
        "**Run**: One strategy trained once, from one seed.\n\n"
        "**Class**: One of the labels that a picture can have, such as cat or dog."
    )


def test_the_words_of_every_strategy_are_explained():
    for name, entry in STRATEGIES.items():
        text = explain_strategy(name)
        assert text is not None
        assert all(explain(term) in text for term in entry.terms)
        for word in ("MLP", "CNN", *(backbone.title for backbone in BACKBONES.values())):
            is_named = re.search(rf"\b{re.escape(word)}\b", entry.title) is not None
            assert is_named == (word in entry.terms)
    assert explain_strategy("resnet") is None
