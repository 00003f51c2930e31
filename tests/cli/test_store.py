import json

import pandas as pd

from tests.stored_home import majority_spec


def test_the_store_is_written_for_a_notebook(home, no_showcase, store, type_it, tmp_path):  # noqa: ARG001
    store.create_experiment(majority_spec(seeds=(0, 1)))
    folder = tmp_path / "out"
    status, out, _ = type_it("store", "export", str(folder), "--json")
    assert (status, json.loads(out)) == (
        0,
        {str(folder / "runs.parquet"): 2, str(folder / "epochs.parquet"): 0},
    )
    assert list(pd.read_parquet(folder / "runs.parquet")["seed"]) == [0, 1]
    status, _, words = type_it("store", "export", str(folder), "--format", "csv")
    assert (status, f"{folder / 'runs.csv'}: 2 lines" in words) == (0, True), words
