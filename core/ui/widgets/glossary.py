"""What the words mean, for somebody who never trained a model: shown where a word is used.

``explain("baseline")`` gives the help text of a heading, a choice or a number; the page "How it is
measured" lists all of them.
"""

from pathlib import Path

from core.backbones.registry import BACKBONES
from core.errors import UnknownName
from core.strategies.registry import STRATEGIES
from core.text import escape_markdown


def _read(path: Path) -> dict[str, str]:
    """The items ``- **term**: meaning`` of a Markdown file; a meaning may go over several lines."""
    _, *items = path.read_text(encoding="utf-8").split("\n- **")
    return dict(" ".join(item.split()).split("**: ", 1) for item in items)


_WORDS = _read(Path(__file__).parent / "glossary.md")


def glossary() -> dict[str, str]:
    """Every term with its meaning; the backbones by their titles, as they are at this moment."""
    return _WORDS | {
        backbone.title: escape_markdown(backbone.about)
        for backbone in BACKBONES.values()
        if backbone.is_offered
    }


def explain(term: str) -> str:
    """One or two plain sentences; ``UnknownName`` for a programmer's typing error."""
    if term in _WORDS:
        return _WORDS[term]
    for backbone in BACKBONES.values():
        if backbone.title == term:
            return escape_markdown(backbone.about)
    raise UnknownName("term of the glossary", term, glossary())


def explain_all(*terms: str) -> str:
    """Several terms as Markdown, each with its name: for a heading that uses more than one."""
    return "\n\n".join(
        f"**{escape_markdown(term[0].upper() + term[1:])}**: {explain(term)}" for term in terms
    )


def explain_strategy(name: str) -> str | None:
    """The words in the title of a strategy; None for one that has no unusual ones."""
    strategy = STRATEGIES.get(name)
    return explain_all(*strategy.terms) if strategy and strategy.terms else None
