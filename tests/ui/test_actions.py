"""Nothing that pages change is reached past the roles."""

import ast
import inspect
from pathlib import Path

import pytest

from core.datasets import store as dataset_store
from core.datasets import versions
from core.errors import NotAllowed
from core.experiments import imports
from core.runs.store import Store
from core.settings import PROJECT_ROOT
from core.ui import access, actions
from core.ui.roles import Role, Standing

GATE = PROJECT_ROOT / "core" / "ui" / "actions.py"
MODULES = sorted(
    {*(PROJECT_ROOT / "core" / "ui").rglob("*.py"), *(PROJECT_ROOT / "pages").glob("*.py")} - {GATE}
)

# What changes what others see. Whoever adds a verb to the store decides where it belongs.
STORE_CHANGES = {
    "create_experiment", "create_experiments", "add_recorded", "request_cancel",
    "request_cancel_experiment", "retry", "add_job", "add_job_once", "cancel_job",
    "requeue_job", "forget_job",
    "insert_jobs", "queue_again",
}  # fmt: skip
STORE_OF_WORKERS = {
    "register_worker", "announce_worker", "forget_worker", "claim_next", "heartbeat",
    "reap_expired", "set_progress", "add_epoch", "reduce_batch", "finish", "finish_run", "fail",
    "change_running", "note_death", "end_job",
    "mark_cancelled", "mark_interrupted",
}  # fmt: skip
STORE_READS = {
    "experiments", "experiment_ids", "experiment", "runs", "run", "epochs",
    "active_runs_of_dataset", "queue_place", "job", "find_job", "jobs", "is_taken",
    "live_workers", "cancel_requested",
    "moment", "lease_end",
}  # fmt: skip
DATASET_CHANGES = {
    "add_dataset", "remove_dataset", "rename_dataset", "make_version", "ensure_bundled_datasets",
}  # fmt: skip
DATASET_READS = {"list_datasets", "open_dataset", "preview", "ChangePreview", "Changes"}
IMPORT_CHANGES = {
    "receive_upload", "import_folder", "retry_import", "cancel_import", "forget_import",
}  # fmt: skip
IMPORT_READS = {"MOST_UPLOADED_FILES", "ImportRecord", "find_import", "list_imports"}
FORBIDDEN = (
    STORE_CHANGES | (STORE_OF_WORKERS - {"fail", "finish"}) | DATASET_CHANGES | IMPORT_CHANGES
)


def names_used(path: Path) -> set[str]:
    """Every attribute that is taken of something other than the gate, and every imported name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id == "actions"):
                found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module != "core.ui.actions":
            found.update(alias.name for alias in node.names)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_no_page_changes_anything_past_the_gate(path):
    assert names_used(path) & FORBIDDEN == set()


def test_every_verb_of_the_store_is_known_to_read_or_to_change():
    verbs = {
        name
        for name, _ in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert verbs == STORE_CHANGES | STORE_OF_WORKERS | STORE_READS


def test_every_verb_on_datasets_is_known_to_read_or_to_change():
    verbs = {*dataset_store.__all__, *versions.__all__}
    assert verbs == DATASET_CHANGES | DATASET_READS
    assert set(imports.__all__) == IMPORT_CHANGES | IMPORT_READS


def public_actions() -> list[ast.FunctionDef]:
    tree = ast.parse(GATE.read_text())
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


@pytest.mark.parametrize("action", public_actions(), ids=lambda node: node.name)
def test_every_action_asks_for_an_editor_first(action, monkeypatch):
    decorators = [node.id for node in action.decorator_list if isinstance(node, ast.Name)]
    assert decorators == ["editors_only"]
    monkeypatch.setattr(access, "standing", lambda: Standing(Role.VIEWER, email="v@example.org"))
    with pytest.raises(NotAllowed, match="Only an editor can do this"):
        getattr(actions, action.name)(*[None] * len(action.args.args))


def test_whose_sign_in_ended_meanwhile_changes_nothing(monkeypatch):
    monkeypatch.setattr(access, "standing", lambda: Standing(None, may_sign_in=True))
    with pytest.raises(NotAllowed, match="not signed in any more"):
        actions.rename_dataset("arrows", "mine")
