"""A SQLite home of a former version opens with everything in it."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from core.datasets.reading_choice import Choice
from core.experiments.import_job import datasets_read_from
from core.experiments.imports import find_import
from core.experiments.store import open_store
from core.jobs.database import MIGRATIONS_FOLDER
from core.jobs.progress import Progress
from core.jobs.records import SCHEMA_VERSIONS
from tests import made_up

MOMENT = "2026-11-20T10:00:00.000000+00:00"
OLD_RUNS = (
    ("e1-cnn-1", "finished", json.dumps(made_up.result().as_dict())),
    ("e1-cnn-2", "queued", None),
    ("e1-cnn-3", "running", None),
    ("e1-cnn-4", "failed", None),
    ("e1-cnn-5", "queued", None),
)
OLD_IMPORTS = (
    ("i1", "finished", "d" * 64, None),
    ("i2", "failed", None, '{"table": "t.csv"}'),
    ("i3", "queued", None, None),
)


def test_a_store_of_the_former_version_is_upgraded_without_loss(home: Path) -> None:
    file = home / "headstart.db"
    file.parent.mkdir(parents=True, exist_ok=True)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
    engine.dispose()
    spec = made_up.spec().model_dump_json()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(
            "INSERT INTO experiments VALUES ('e1', '2026-11-20T10:00:00.000000+00:00', ?, 'shapes',"
            " ?, 0, NULL)",
            (made_up.DATASET_ID, spec),
        )
        for place, (name, state, result) in enumerate(OLD_RUNS, start=1):
            connection.execute(
                "INSERT INTO runs (id, experiment_id, position, queue_number, strategy, seed,"
                " settings, state, progress, progress_at, error, result, notes, attempts,"
                " worker_id, lease_expires_at, cancel_requested, created_at, finished_at)"
                " VALUES (?, 'e1', ?, ?, 'cnn', ?, '{}', ?, ?, ?, ?, ?, '[]', 1, 'old', ?, 0, ?,"
                " ?)",
                (
                    name,
                    place,
                    place,
                    place,
                    state,
                    '{"step": "Training", "done": 1, "total": 2}' if state == "running" else None,
                    MOMENT,
                    "It fell." if state == "failed" else None,
                    result,
                    MOMENT if state == "running" else None,
                    MOMENT,
                    MOMENT,
                ),
            )
        for import_id, state, dataset_id, question in OLD_IMPORTS:
            connection.execute(
                "INSERT INTO imports (id, created_at, path, uploaded, source, name, columns,"
                " digest, state, error, question, dataset_id, notes, attempts, cancel_requested)"
                " VALUES (?, ?, '/pets.zip', 0, 'pets.zip', 'pets', ?, ?, ?, ?, ?, ?, ?, 1, 0)",
                (
                    import_id,
                    MOMENT,
                    '{"file": null, "label": "kind", "split": null}',
                    "f" * 64,
                    state,
                    "Which?" if question else None,
                    question,
                    dataset_id,
                    '["A note."]' if dataset_id else "[]",
                ),
            )
        epoch = json.dumps(made_up.epoch(1).as_dict())
        connection.execute("INSERT INTO epochs VALUES ('e1-cnn-1', 1, ?)", (epoch,))
        connection.commit()
    upgraded = open_store()
    assert upgraded.experiment("e1").spec == made_up.spec()
    assert upgraded.experiment("e1").state_counts == {
        "finished": 1, "queued": 2, "running": 1, "failed": 1
    }  # fmt: skip
    assert upgraded.run("e1-cnn-1").result == made_up.result()
    assert upgraded.run("e1-cnn-1").created_at == upgraded.run("e1-cnn-1").finished_at == MOMENT
    assert upgraded.epochs("e1-cnn-1") == (made_up.epoch(1),)
    assert upgraded.run("e1-cnn-3").progress == Progress("Training", 1, 2)
    assert (upgraded.run("e1-cnn-4").error, upgraded.run("e1-cnn-4").attempts) == ("It fell.", 1)
    # What waited waits, what an old worker left can be tried again.
    assert [upgraded.queue_place(f"e1-cnn-{seed}") for seed in (2, 5)] == [1, 2]
    assert upgraded.reap_expired() == ["e1-cnn-3"]
    assert upgraded.run("e1-cnn-3").state == "interrupted"
    assert upgraded.retry("e1-cnn-3").state == "queued"
    claimed = upgraded.claim_next("worker", "e1")
    assert claimed is not None
    assert (claimed.id, claimed.arguments) == ("e1-cnn-2", {"run": "e1-cnn-2"})
    done, asking, waits = (find_import(upgraded, name) for name in ("i1", "i2", "i3"))
    assert (done.dataset_id, done.notes, done.state) == ("d" * 64, ("A note.",), "finished")
    assert datasets_read_from(upgraded, "f" * 64, Choice(label_column="kind")) == ["d" * 64]
    assert asking.error == "Which?" == asking.question.message
    assert [table.name for table in asking.question.tables] == ["t.csv"]
    assert (waits.state, waits.source, waits.path) == ("queued", "pets.zip", Path("/pets.zip"))
    # A copy of the former version is the way back.
    for name, version in ((file.name, SCHEMA_VERSIONS[-1]), ("headstart-version-0002.db", "0002")):
        with closing(sqlite3.connect(home / name)) as connection:
            found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            assert found == [(version,)]
            assert connection.execute("SELECT count(*) FROM runs").fetchone() == (5,)
