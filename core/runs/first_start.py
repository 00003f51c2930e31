"""What must be there before anything else: bundled datasets, the store, recorded results."""

from collections.abc import Callable

from core.runs.recorded import import_recorded
from core.runs.store import Store, open_store
from core.settings import current_settings


def prepare_home(progress: Callable[[int, int], None] | None = None) -> Store:
    """Make the home ready and return its store; quick when all is there already.

    Safe to call from several processes at once. ``progress(done, total)`` counts the images of
    the bundled datasets on the first start.
    """
    from core.datasets.bundled import ensure_bundled_datasets

    ensure_bundled_datasets(progress)
    return prepare_store()


def prepare_store() -> Store:
    """The store with the recorded results in it, dead workers' runs marked; needs no dataset."""
    store = open_store()
    _make_inbox()
    import_recorded(store)
    store.reap_expired()
    return store


def _make_inbox() -> None:
    """The folder that pages read from unless others were named: there is one to put things into."""
    settings = current_settings()
    for folder in settings.import_folders:
        if folder.is_relative_to(settings.home):
            folder.mkdir(parents=True, exist_ok=True)
