"""What the documents promise is there: recorded results, and every file that they link to."""

import json
import re

import pytest

from core.experiments.recorded import SHOWCASE_FOLDER
from core.settings import PROJECT_ROOT
from core.strategies.registry import STRATEGIES

DOCUMENTS = [
    PROJECT_ROOT / "README.md",
    PROJECT_ROOT / "CONTRIBUTING.md",
    PROJECT_ROOT / "CHANGELOG.md",
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


def test_the_strategies_that_the_readme_names_are_there():
    text = (PROJECT_ROOT / "README.md").read_text()
    table = text.partition("| strategy | what it is |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)
    assert named[:3] == ["majority", "mlp", "cnn"]
    assert [name for name in named if name not in STRATEGIES] == []
    assert "python -m core strategies" in text


@pytest.mark.parametrize("dataset", ["digits", "themes16"])
def test_what_is_recorded_is_whole(dataset):
    """Every strategy of the experiment with every seed, finished, none of them unknown."""
    (path,) = SHOWCASE_FOLDER.glob(f"{dataset}-quick-*/experiment.json")
    document = json.loads(path.read_text())
    spec = document["spec"]
    expected = {(name, seed) for name, _ in spec["strategies"] for seed in spec["seeds"]}
    assert {(run["strategy"], run["seed"]) for run in document["runs"]} == expected
    assert all(run["result"] and run["finished_at"] for run in document["runs"])
    assert len(spec["seeds"]) == 3
    assert {name for name, _ in expected} | set(spec["unavailable"]) <= set(STRATEGIES)
    assert set(spec["unavailable"]) <= {"vgg16_softmax"}  # its weights are not everywhere
    assert document["origin"]["machine"]
    assert document["origin"]["versions"]["keras"]
