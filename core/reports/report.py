"""The report: one HTML file that opens without a network, prints well and can be sent to anyone.

Every text in it may hold names that users gave. None is markup: the templates escape them, and
figures get their names through ``escape_plotly``. The note alone is Markdown (``core.markdown``).
"""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from core.analysis.advice.grades import quote_of
from core.analysis.backbones import backbone_matrix
from core.analysis.choice import headline_pair
from core.analysis.comparison import compare_experiment
from core.analysis.curves import curves_of
from core.analysis.evidence import load_evidence
from core.analysis.families import MAIN, groups_of
from core.analysis.summary import summary_of
from core.analysis.time_breakdown import load_time_breakdown
from core.analysis.words.answer import answer_cards
from core.analysis.words.families import describe_group
from core.analysis.words.grades import describe_quote
from core.analysis.words.own_backbones import describe_overlap
from core.analysis.words.summary import describe_summary
from core.charts.exhibit import Exhibit
from core.charts.style import on_paper
from core.experiments.store import Store
from core.markdown import safe_html
from core.reports import sections
from core.reports.texts import texts_of

TEMPLATES = Path(__file__).parent / "templates"
_CONFIG = {"displayModeBar": False, "responsive": True, "showTips": False}
_LONGEST_WORD, _UNBROKEN = 24, 10


def report_html(store: Store, experiment_id: str) -> bytes:
    """The whole report as UTF-8 HTML, about 5 MB, most of it the drawing library of the charts.

    Raises ``UnknownName`` for an experiment that is not in the store. The report names what is
    missing: a removed dataset, predictions that cannot be read, runs that did not finish.
    """
    experiment = store.experiment(experiment_id)
    spec = experiment.spec
    comparison = compare_experiment(store, experiment_id)
    evidence = load_evidence(store, experiment_id)
    breakdown = load_time_breakdown(store, experiment_id)
    dataset, why_not = sections.dataset_of(spec)
    names = list(dict.fromkeys(row.strategy for row in comparison.rows))
    # Of many strategies charts show the main ones; tables have all of them.
    pair = headline_pair(evidence)
    main = groups_of(names, pair).get(MAIN)
    shown = evidence.only(main.strategies) if main else evidence
    runs = store.runs(experiment_id)
    if main:
        runs = [run for run in runs if run.strategy in main.strategies]
    found = {
        "results": sections.results(evidence, comparison),
        "curves": sections.curves(curves_of(store, runs)),
        "confusion": sections.confusion_matrix(evidence),
        "disagreements": sections.disagreements_of_headline(evidence, dataset, why_not),
        "health": sections.health(dataset, why_not),
        "made": sections.made(spec, comparison, evidence),
    }
    if evidence.answers:
        found["ladder"] = sections.ladder(shown)
        found["differences"] = sections.differences(evidence, shown)
        found["classes"] = sections.classes(evidence)
    if note := safe_html(experiment.labels.note):  # none of nothing but definitions of links
        found["note"] = {"html": Markup(note)}
    if pair is not None:
        found["slices"] = sections.slices(evidence, experiment, dataset, pair)
    matrix = backbone_matrix(evidence)
    if len(matrix.backbones) > 1:
        found["backbones"] = sections.backbones(matrix, comparison)
    if breakdown.rows:
        found["time"] = sections.time(evidence, breakdown, comparison)
    summary = summary_of(evidence, breakdown)
    quote = quote_of(store, experiment)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"drawn": drawn, "breakable": breakable, "texts": texts_of}
    page = environment.get_template("report.html.j2").render(
        comparison=comparison,
        name=experiment.labels.name,
        warnings=describe_overlap(comparison.backbones, comparison.images.get("test", 0)),
        cards=() if summary is None else answer_cards(summary),
        summary=describe_summary(summary),
        advice="" if quote is None else describe_quote(quote),
        shown=describe_group(main, len(names)) if main else "",
        sections=found,
        # The library holds no text of ours, and nothing in it ends the script element.
        plotly_js=Markup(get_plotlyjs()),
    )
    return page.encode()


def drawn(exhibit: Exhibit, name: str) -> Markup:
    """The figure as the element ``name`` that draws itself; Plotly escapes ``<`` in its texts."""
    figure = on_paper(exhibit.figure)
    return Markup(
        figure.to_html(full_html=False, include_plotlyjs=False, div_id=name, config=_CONFIG)
    )


def breakable(text: str) -> Markup:
    """Text in which a very long word may be broken, so that no name makes a table too wide."""
    words = [
        Markup("<wbr>").join(
            word[start : start + _UNBROKEN] for start in range(0, len(word), _UNBROKEN)
        )
        if len(word) > _LONGEST_WORD
        else escape(word)
        for word in text.split(" ")
    ]
    return Markup(" ").join(words)
