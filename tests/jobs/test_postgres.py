"""A real PostgreSQL server: what is refused in a sentence, and what nobody notices."""

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from core.errors import StoreError, StoreLost
from core.experiments.store import Store
from core.jobs import database as database_module
from core.jobs import workers
from core.jobs.database import Database
from core.jobs.kinds import POOLS
from core.jobs.launchers import ProcessLauncher
from core.jobs.postgres import WRITE_LOCK
from core.jobs.progress import Progress
from core.jobs.queue import JobQueue
from core.jobs.records import SCHEMA_VERSIONS, NewJob, metadata
from core.jobs.worker import serve
from tests import made_up
from tests.jobs.conftest import processes_of, wait_for
from tests.jobs.test_processes import add, serving
from tests.postgres import Server

END_THE_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
)


@pytest.fixture(autouse=True)
def on_the_server(database_url: str | None) -> None:
    """The home of each test here has its database on the server."""


pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def impatient(database_url: str) -> JobQueue:
    """A queue that waits a fifth of a second where others wait twenty seconds."""
    return JobQueue(database_url, busy_timeout_seconds=0.2)


def refusal(url: str) -> str:
    """The sentence about a database that cannot be used; it tells no password."""
    with pytest.raises(StoreError) as caught:
        Database(url, busy_timeout_seconds=0.2)
    said = str(caught.value)
    assert "secret" not in said
    assert "\n" not in said
    return said


# What is refused ----------------------------------------------------------------------------------


def test_the_migrations_give_the_schema_of_the_metadata(database_url: str) -> None:
    with Database(database_url).reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_wrong_password_is_said(postgres_server: Server) -> None:
    said = refusal(postgres_server.url(user="guest", password="secret"))
    assert "refuses the user name or the password; correct HEADSTART_DATABASE_URL" in said
    assert "postgresql://guest:***@/headstart" in said


def test_a_database_that_is_not_there_is_said(postgres_server: Server) -> None:
    said = refusal(postgres_server.url("nothing"))
    assert "has no such database or user; make the database first (createdb)" in said
    assert 'database "nothing" does not exist' in said


def test_a_server_that_is_not_there_is_waited_for_and_then_said(tmp_path: Path) -> None:
    started = time.monotonic()
    said = refusal(f"postgresql://me:secret@/headstart?host={tmp_path}")
    assert 0.2 < time.monotonic() - started < 2
    assert "cannot be reached; check that the server runs" in said


def test_a_database_of_another_program_is_refused_and_left_alone(postgres_server: Server) -> None:
    with postgres_server.new_database("kitchen") as url:
        postgres_server.execute(
            "CREATE TABLE recipes (name text)",
            "CREATE TABLE alembic_version (version_num text)",
            "INSERT INTO alembic_version VALUES ('ae1027a6acf')",
            database="kitchen",
        )
        said = refusal(url)
        assert "holds tables of another program (alembic_version, recipes); it was left" in said
        tables = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'S') AND relnamespace = "
        found = postgres_server.execute(f"{tables}'public'::regnamespace", database="kitchen")
        assert {name for (name,) in found} == {"recipes", "alembic_version"}


def test_a_newer_version_and_a_missing_table_are_refused(postgres_server: Server) -> None:
    with postgres_server.new_database("later") as url:
        Database(url)
        postgres_server.execute("DROP TABLE epochs", database="later")
        assert "is damaged: it has no table epochs. Nothing was written" in refusal(url)
        newer = "UPDATE alembic_version SET version_num = '9999'"
        postgres_server.execute(newer, database="later")
        assert (
            f"is of version 9999, which is newer than this code (version {SCHEMA_VERSIONS[-1]})"
            in (refusal(url))
        )


def test_a_database_that_cannot_keep_every_name_is_refused(postgres_server: Server) -> None:
    latin = "ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    with postgres_server.new_database("latin", latin) as url:
        assert "keeps texts as LATIN1, so not every name fits. Make one with" in refusal(url)


def test_a_user_who_may_make_no_tables_is_told(postgres_server: Server) -> None:
    with postgres_server.new_database("closed"):
        url = postgres_server.url("closed", user="reader")
        assert "cannot be used by this user: give it the database" in refusal(url)


def test_without_the_library_the_way_to_get_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    said = refusal(f"postgresql://me:secret@/headstart?host={tmp_path}")
    assert "needs the library psycopg, which is not installed here: pip install" in said
    assert "requirements-cluster.txt" in said


def test_other_databases_are_refused() -> None:
    assert refusal("mysql://me:secret@here/x").startswith("Headstart keeps nothing in mysql. Give")
    assert refusal("my database").startswith("HEADSTART_DATABASE_URL is no URL of a database.")


# One after the other ------------------------------------------------------------------------------


def test_eight_openers_at_once_make_one_schema(postgres_server: Server) -> None:
    with postgres_server.new_database("fresh") as url:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(Database, [url] * 8))
        versions = postgres_server.execute("SELECT * FROM alembic_version", database="fresh")
        assert versions == [(SCHEMA_VERSIONS[-1],)]


def test_a_migration_waits_for_another_and_then_says_so(
    postgres_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "MIGRATION_LOCK_SECONDS", 0.1)
    with postgres_server.new_database("busy") as url, postgres_server.connection("busy") as other:
        other.exec_driver_sql(f"SELECT pg_advisory_lock({WRITE_LOCK})")
        assert "is being made or upgraded by another process, and was not ready" in refusal(url)
        other.exec_driver_sql(f"SELECT pg_advisory_unlock({WRITE_LOCK})")
        Database(url)


def test_writes_wait_for_each_other_and_claims_for_none(impatient: JobQueue) -> None:
    add(impatient, "a", "train", "quick")
    with impatient.database.writing():
        with pytest.raises(StoreError, match=r"is held by another process; try again in a moment"):
            add(impatient, "b", "train", "quick")
        job = impatient.claim_next("worker", pools=POOLS)
        assert job is not None
        assert job.id == "a"
    add(impatient, "b", "train", "quick")


def test_a_claim_skips_what_another_is_taking(impatient: JobQueue) -> None:
    for job_id in "ab":
        add(impatient, job_id, "train", "quick")
    with impatient.database.claiming("elsewhere") as connection:
        connection.exec_driver_sql("SELECT id FROM jobs WHERE id = 'a' FOR UPDATE")
        job = impatient.claim_next("worker")
        assert job is not None
        assert job.id == "b"
        assert impatient.claim_next("worker") is None


def test_forty_threads_claim_each_job_once_and_fill_no_pool_twice(database_url: str) -> None:
    queue = JobQueue(database_url)
    queue.database.engine.dispose()
    for number in range(60):
        add(queue, f"job-{number}", "train", "quick")
    hosts = [JobQueue(database_url, host=f"host {number % 20}") for number in range(40)]
    taken: Counter[str] = Counter()
    for round_number in range(3):

        def claim(queue: JobQueue, name: str = f"{round_number}") -> str | None:
            job = queue.claim_next(f"{queue.host} {name} {threading.get_ident()}", None, POOLS)
            return None if job is None else job.id

        with ThreadPoolExecutor(10) as pool:
            claimed = [job_id for job_id in pool.map(claim, hosts) if job_id is not None]
        assert len(claimed) == 20  # two workers of each host, one device
        assert Counter(job.host for job in queue.jobs(states=["running"])).most_common(1)[0][1] == 1
        taken.update(claimed)
        for job_id in claimed:
            queue.finish(job_id, None)
    assert taken == Counter(f"job-{number}" for number in range(60))


def test_the_server_gives_the_places_in_the_queue(database_url: str) -> None:
    queue = JobQueue(database_url)

    def add_three(name: int) -> None:
        with queue.database.writing() as connection:
            jobs = [NewJob(f"{name}-{place}", "train", {}) for place in range(3)]
            queue.insert_jobs(connection, jobs)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_three, range(20)))
    numbers = [job.queue_number for job in queue.jobs()]
    assert sorted(numbers) == list(range(1, 61))
    first = queue.claim_next("worker")
    assert first is not None
    queue.fail(first.id, "broke")
    queue.requeue_job(first.id)
    assert queue.job(first.id).queue_number == 61


@pytest.mark.parametrize("ahead", [60, -60])
def test_a_client_whose_clock_is_wrong_ends_no_lease(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    on_file = f"sqlite:///{tmp_path / 'headstart.db'}"
    for url in (database_url, on_file):
        queue = JobQueue(url)
        queue.register_worker("worker", 1)
        add(queue, "a", "train", "quick")
        queue.claim_next("worker")
    now = workers.utc_now
    monkeypatch.setattr(workers, "utc_now", lambda: now() + timedelta(seconds=ahead))
    wrong = JobQueue(database_url)
    assert wrong.reap_expired() == []
    assert [worker.id for worker in wrong.live_workers()] == ["worker"]
    assert wrong.heartbeat("worker") == {"a"}
    monkeypatch.setattr(workers, "utc_now", now)
    assert JobQueue(database_url).reap_expired() == []
    monkeypatch.setattr(workers, "utc_now", lambda: now() + timedelta(seconds=ahead))
    # The same clock decides with SQLite, whose processes are all on one machine.
    assert JobQueue(on_file).reap_expired() == (["a"] if ahead > 0 else [])


def test_only_a_commit_counts_as_a_change(database_url: str) -> None:
    queue, other = JobQueue(database_url), JobQueue(database_url)
    changes = queue.database.changes()
    before = changes()
    assert other.jobs() == []
    assert changes() == before
    with other.database.writing() as connection:
        other.insert_jobs(connection, [NewJob("a", "train", {})])
    assert changes() != before
    seen = {changes()}
    for number in range(100):
        queue.set_progress("a", Progress("Waiting", number))  # it waits: nothing is changed
        queue.add_job_once(NewJob(f"b{number}", "train", {}))
        seen.add(changes())
    assert len(seen) == 101


# The server goes away -----------------------------------------------------------------------------


def test_connections_that_the_server_ended_are_made_anew(
    database_url: str, postgres_server: Server
) -> None:
    queue = JobQueue(database_url)
    for kind in ("train", "import", "explain"):
        add(queue, kind, kind, "quick")
        postgres_server.execute(END_THE_OTHERS)
    assert len(queue.jobs()) == 3


def test_a_connection_that_is_lost_inside_a_write_is_said_and_nothing_is_stored(
    database_url: str, postgres_server: Server
) -> None:
    queue = JobQueue(database_url)

    def write() -> None:
        with queue.database.writing() as connection:
            queue.insert_jobs(connection, [NewJob("a", "train", {})])
            postgres_server.execute(END_THE_OTHERS)
            queue.insert_jobs(connection, [NewJob("b", "train", {})])

    with pytest.raises(StoreLost, match="was lost: the server ended the connection"):
        write()
    assert queue.jobs() == []


@pytest.mark.parametrize("when", ["before the commit", "after the commit"])
def test_the_end_of_a_run_is_stored_once_though_the_answer_was_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    store = Store(database_url)
    store.create_experiment(made_up.spec())
    job = store.claim_next("worker")
    assert job is not None
    writing, lost = store.database.writing, iter([True, False] * 2)

    @contextmanager
    def losing() -> Iterator[Any]:
        with writing() as connection:
            yield connection
            if when == "before the commit" and next(lost):
                raise StoreLost("gone")
        if when == "after the commit" and next(lost):
            raise StoreLost("gone")

    monkeypatch.setattr(store.database, "writing", losing)
    assert store.add_epoch(job.id, made_up.epoch(1), job.attempts)
    # Stored by the first try: the second finds the run over, and it is.
    assert store.finish_run(job.id, made_up.result(), job.attempts) == (when[0] == "b")
    run = store.run(job.id)
    assert (run.state, run.result) == ("finished", made_up.result())
    assert store.epochs(job.id) == (made_up.epoch(1),)


def test_workers_claim_each_job_once_while_the_server_starts_again(
    database_url: str, postgres_server: Server
) -> None:
    queue = JobQueue(database_url)
    names = [f"job-{number}" for number in range(120)]
    for name in names:
        add(queue, name, "train", "quick")
    claims: list[str] = []
    lost: list[str] = []

    def work(worker_id: str) -> None:
        while True:
            try:
                job = queue.claim_next(worker_id)
                if job is None:
                    return
                claims.append(job.id)
                queue.heartbeat(worker_id)
                queue.finish(job.id, None, job.attempts)
            except StoreLost as error:
                lost.append(str(error))

    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, f"worker {number}") for number in range(4)]
        for _ in range(2):
            reached = len(claims) + 20
            wait_for(lambda reached=reached: len(claims) >= reached)
            postgres_server.stop("immediate")
            postgres_server.start()
        for each in done:
            each.result(timeout=60)
    assert Counter(claims).most_common(1)[0][1] == 1
    over = {job.id for job in queue.jobs(states=["finished"])}
    # One that was claimed or done when the server fell is running, and its lease will end.
    left = {job.id for job in queue.jobs(states=["running"])}
    assert over | left == set(names)
    assert len(left) <= len(lost) <= 8


@pytest.mark.slow
def test_a_job_goes_on_while_the_server_starts_again(
    queue: JobQueue, postgres_server: Server, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    add(queue, "through", "train", "until", mark=str(mark))
    with serving():
        wait_for(lambda: queue.job("through").progress is not None)
        postgres_server.stop("immediate")
        time.sleep(0.5)
        assert len(processes_of("through")) == 1
        postgres_server.start()
        before = queue.job("through").progress_at
        wait_for(lambda: queue.job("through").progress_at != before)
        mark.touch()
        wait_for(lambda: queue.job("through").state == "finished")
    assert (queue.job("through").attempts, queue.job("through").result) == (1, {"attempt": 1})


def test_a_claim_whose_answer_was_lost_is_started_all_the_same(queue: JobQueue) -> None:
    """Nobody else would: its worker renews the lease of whatever is its own."""
    add(queue, "late", "train", "quick")
    assert queue.claim_next("worker") is not None  # the answer to this is what got lost
    said: list[str] = []
    launcher = ProcessLauncher(module="tests.jobs.stand_in")
    serve(queue, launcher, exit_when_idle=0, worker_id="worker", report=said.append)
    assert queue.job("late").state == "finished"
    assert said[0].startswith("late: started late")
