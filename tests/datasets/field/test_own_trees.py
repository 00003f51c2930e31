"""What people have who never read a document: read rightly, asked about, or told."""

from pathlib import Path

import pytest

from tests.datasets.field import own, own_more
from tests.datasets.field.expecting import outcome_of, problem_with

CASES = own.CASES | own_more.CASES


def test_no_case_hides_another() -> None:
    assert len(CASES) == len(own.CASES) + len(own_more.CASES)


@pytest.mark.parametrize("name", list(CASES))
@pytest.mark.usefixtures("home")
def test_what_a_tree_comes_to(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    given = case.build(tmp_path)
    problem = problem_with(case, outcome_of(given, case.chosen), given)
    assert problem is None, f"{name}: {problem}"
