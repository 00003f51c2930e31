"""What the documents promise is there: recorded results, and every file that they link to."""

import json
import re

import pytest

from core.experiments.recorded import SHOWCASE_FOLDER
from core.settings import PROJECT_ROOT
from core.strategies.registry import STRATEGIES

DOCUMENTS = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "data" / "README.md",
    PROJECT_ROOT / "benchmarks" / "README.md",
    *sorted((PROJECT_ROOT / "docs").rglob("*.md")),
]
LINK = re.compile(r"\]\(([^)#]+)[^)]*\)")


def test_links_inside_the_project_lead_somewhere():
    links = [
        (document.name, document.parent / link)
        for document in DOCUMENTS
        for link in LINK.findall(document.read_text())
        if "://" not in link
    ]
    assert links
    assert [(name, str(target)) for name, target in links if not target.exists()] == []


def test_the_readme_names_every_strategy():
    text = (PROJECT_ROOT / "README.md").read_text()
    assert [name for name in STRATEGIES if f"| `{name}` |" not in text] == []


@pytest.mark.parametrize("dataset", ["digits", "themes16"])
def test_three_seeds_of_every_available_strategy_are_recorded(dataset):
    (path,) = SHOWCASE_FOLDER.glob(f"{dataset}-quick-*/experiment.json")
    document = json.loads(path.read_text())
    found = {(run["strategy"], run["seed"]) for run in document["runs"]}
    left_out = set(document["spec"]["unavailable"])
    expected = {(name, seed) for name in STRATEGIES if name not in left_out for seed in (0, 1, 2)}
    assert found == expected
    assert left_out <= {"vgg16_softmax"}  # the full weights are not everywhere to be had
    assert document["origin"]["machine"]
    assert document["origin"]["versions"]["keras"]
