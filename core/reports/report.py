"""The report: one HTML file that opens without a network, prints well and can be sent to anyone."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly.offline import get_plotlyjs

from core.analysis.comparison import compare_experiment
from core.analysis.curves import curves_of
from core.analysis.evidence import load_evidence
from core.analysis.summary import summary_of
from core.analysis.time_breakdown import load_time_breakdown
from core.analysis.words.summary import describe_summary
from core.experiments.store import Store
from core.reports.blocks import Chart, Section
from core.reports.parts import dataset_of, disagreements_section, facts_section, health_section
from core.reports.sections import (
    confusion_section,
    curves_section,
    ladder_section,
    results_section,
    statistics_section,
    time_section,
)

TEMPLATES = Path(__file__).parent / "templates"
_FONT = {"family": "system-ui, sans-serif", "size": 12, "color": "#1A2530"}
_LONGEST_WORD, _UNBROKEN = 24, 10
_CONFIG = {"displayModeBar": False, "responsive": True, "showTips": False}


def report_html(store: Store, experiment_id: str) -> bytes:
    """The whole report as UTF-8 HTML, about 5 MB, most of it the drawing library of the charts.

    Raises ``UnknownName`` for an experiment that is not in the store. The report names what is
    missing: a removed dataset, predictions that cannot be read, runs that did not finish.
    """
    spec = store.experiment(experiment_id).spec
    comparison = compare_experiment(store, experiment_id)
    evidence = load_evidence(store, experiment_id)
    breakdown = load_time_breakdown(store, experiment_id)
    dataset, why_not = dataset_of(spec)
    sections: list[Section] = []
    if evidence.answers:
        sections.append(ladder_section(evidence))
    sections.append(results_section(evidence, comparison))
    if evidence.answers:
        sections.append(statistics_section(evidence))
    if breakdown.rows:
        sections.append(time_section(evidence, breakdown))
    sections += [
        curves_section(curves_of(store, store.runs(experiment_id))),
        confusion_section(evidence),
        disagreements_section(evidence, dataset, why_not),
        health_section(dataset, why_not),
        facts_section(spec, comparison, evidence),
    ]
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            comparison=comparison,
            summary=describe_summary(summary_of(evidence, breakdown)),
            sections=sections,
            # The library holds no text of ours, and nothing in it ends the script element.
            plotly_js=Markup(get_plotlyjs()),
        )
    )
    return page.encode()


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["drawn"] = drawn
    environment.filters["breakable"] = breakable
    return environment


def drawn(chart: Chart) -> Markup:
    """The figure as an element that draws itself; Plotly escapes ``<`` in what it is given."""
    figure = chart.exhibit.figure.update_layout(
        template="plotly_white", font=_FONT, paper_bgcolor="#FFFFFF", plot_bgcolor="#FFFFFF"
    )
    html = figure.to_html(
        full_html=False, include_plotlyjs=False, div_id=chart.name, config=_CONFIG
    )
    return Markup(html)


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
