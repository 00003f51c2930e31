"""Nothing that pages change is reached past the roles."""

import ast
import inspect
from pathlib import Path

import pytest

from core.datasets import add, bundled, storage, versions
from core.errors import NotAllowed
from core.experiments import imports
from core.experiments.store import Store
from core.settings import PROJECT_ROOT
from core.ui.frame import access, actions
from core.ui.frame.access import Role, Visitor

GATE = PROJECT_ROOT / "core" / "ui" / "frame" / "actions.py"
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
    "reap_expired", "set_progress", "add_epoch", "restart_run", "finish", "finish_run", "fail",
    "begin_run", "change_running", "note_death", "end_job", "replace_result",
    "mark_cancelled", "mark_interrupted", "drop_workers",
}  # fmt: skip
STORE_READS = {
    "epoch_counts",
    "experiments", "experiment_ids", "experiment", "runs", "run", "epochs",
    "active_runs_of_dataset", "queue_place", "device_wait", "waiting_text", "job", "find_job",
    "jobs", "is_taken",
    "live_workers", "cancel_requested",
    "check_queue", "clock", "moment", "seconds_since", "damaged_experiments", "removed_experiments",
    "has_waiting",
}  # fmt: skip
DATASET_CHANGES = {
    "add_dataset", "add_pixels", "ensure_bundled_datasets",
    "remove_dataset", "rename_dataset", "publish", "make_version", "sweep_datasets",
}  # fmt: skip
DATASET_READS = {
    "list_readings",
    "list_datasets", "open_dataset", "store_lock", "incoming_folder", "checked_name",
    "digit_images", "preview",
}  # fmt: skip
IMPORT_CHANGES = {
    "receive_upload", "import_folder", "retry_import", "cancel_import", "forget_import",
    "read_again",
}  # fmt: skip
IMPORT_READS = {"MOST_UPLOADED_FILES", "ImportRecord", "find_import", "list_imports"}
EXPERIMENT_CHANGES = {
    "change_labels", "change_several", "write_labels", "remove_experiments", "undo_removal",
    "delete_removed", "drop_weights", "resume",
    "plan_extension", "import_file", "request_remeasure", "request_facts", "request_race",
}  # fmt: skip
FORBIDDEN = (
    STORE_CHANGES
    | (STORE_OF_WORKERS - {"fail", "finish"})
    | DATASET_CHANGES
    | IMPORT_CHANGES
    | EXPERIMENT_CHANGES
)


def names_used(path: Path) -> set[str]:
    """Every attribute that is taken of something other than the gate, and every imported name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            owner = node.value
            if not (isinstance(owner, ast.Name) and owner.id == "actions"):
                found.add(node.attr)
        elif isinstance(node, ast.ImportFrom) and node.module != "core.ui.frame.actions":
            found.update(alias.name for alias in node.names)
    return found


def test_no_page_changes_anything_past_the_gate():
    assert len(MODULES) > 20
    found = {path.name: names_used(path) & FORBIDDEN for path in MODULES}
    assert {name: names for name, names in found.items() if names} == {}


def test_every_verb_of_the_store_is_known_to_read_or_to_change():
    verbs = {
        name
        for name, _ in inspect.getmembers(Store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert verbs == STORE_CHANGES | STORE_OF_WORKERS | STORE_READS


def test_every_verb_on_datasets_is_known_to_read_or_to_change():
    verbs = {
        name
        for module in (add, bundled, storage, versions)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }
    assert verbs == DATASET_CHANGES | DATASET_READS
    assert set(imports.__all__) == IMPORT_CHANGES | IMPORT_READS


def public_actions() -> list[ast.FunctionDef]:
    tree = ast.parse(GATE.read_text())
    return [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def test_every_action_asks_for_an_editor_first(monkeypatch):
    monkeypatch.setattr(access, "visitor", lambda: Visitor(Role.VIEWER, email="v@example.org"))
    assert len(public_actions()) > 10
    for action in public_actions():
        decorators = [node.id for node in action.decorator_list if isinstance(node, ast.Name)]
        assert decorators == ["editors_only"], action.name
        with pytest.raises(NotAllowed, match="Only an editor can do this"):
            getattr(actions, action.name)(*[None] * len(action.args.args))


def test_whose_sign_in_ended_meanwhile_changes_nothing(monkeypatch):
    monkeypatch.setattr(access, "visitor", lambda: Visitor(None, may_sign_in=True))
    with pytest.raises(NotAllowed, match="not signed in any more"):
        actions.rename_dataset("arrows", "mine")
