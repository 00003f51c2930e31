"""Every page and every view by its address, and a home in which each of them has something."""

import io
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from core.analysis.advice.facts import IMAGE_SIZE, backbones_here, facts_path, write_facts
from core.datasets.dataset import Dataset
from core.experiments import imports
from core.experiments.store import open_store
from core.ui.frame.page import PAGES
from tests import made_facts, stored_home
from tests.browser import running_app
from tests.datasets.pictures import noise_png
from tests.pages.compared import EXPERIMENT, store_compared
from tests.pages.conftest import zipped
from tests.stored_home import do_next

RECORDED = "e9933081"  # its CNN and probe bring their weights
VIEWS = {
    "compare-differences": f"/compare?experiment={EXPERIMENT}&view=differences",
    "compare-backbones": f"/compare?experiment={EXPERIMENT}&view=backbones",
    "compare-classes": f"/compare?experiment={EXPERIMENT}&view=classes",
    "compare-slices": f"/compare?experiment={EXPERIMENT}&view=slices",
    "compare-time": f"/compare?experiment={EXPERIMENT}&view=time",
    "compare-pictures": f"/compare?experiment={EXPERIMENT}&view=pictures",
    "compare-flips": f"/compare?experiment={EXPERIMENT}&view=pictures&show=flips",
    "compare-data": f"/compare?experiment={EXPERIMENT}&view=data",
    "compare-several": f"/compare?experiment={EXPERIMENT}&view=several",
    "compare-report": f"/compare?experiment={EXPERIMENT}&view=report",
    "advice-facts": "/advice?dataset=arrows",
    "dataset-health": "/datasets?dataset=arrows",
    "dataset-images": "/datasets?dataset=arrows&section=Images",
    "dataset-results": "/datasets?dataset=arrows&section=Results",
    "dataset-cleanup": "/datasets?dataset=arrows&section=Clean+up",
    "dataset-manage": "/datasets?dataset=arrows&section=Manage",
    "experiments-datasets": "/experiments?view=datasets",
    "experiments-disk": "/experiments?view=disk",
    "try-guess": f"/try_it?experiment={EXPERIMENT}&view=guess",
    "try-keep": f"/try_it?experiment={RECORDED}&view=keep",
}
# One that asks among several ways, one that asks for columns of a table, one that is refused.
UPLOADS = {
    "one-class.zip": {f"cats/{number}.png": noise_png(number) for number in range(4)},
    "unclear.zip": {f"p{number}.png": noise_png(number) for number in range(12)}
    | {
        "t.csv": "\n".join(
            ["one,two,three", *(f"p{n}.png,{'ab'[n % 2]},{'xy'[n % 2]}{n % 3}" for n in range(12))]
        ).encode()
    },
    "kitchen.zip": {
        f"{colour}/{thing}/{number}.png": noise_png(100 * place + number)
        for place, (colour, thing) in enumerate(product(("blue", "red"), ("bowl", "mug")))
        for number in range(3)
    },
}
ADDRESSES = {page.path: f"/{page.path}" for page in PAGES} | VIEWS


@contextmanager
def app_with_everything(
    bundled: Path, folder: Path, add: Callable[[], Dataset] = stored_home.add_arrows
) -> Iterator[str]:
    """The app over a copy of the home ``bundled`` in ``folder``, its recorded results, an
    experiment made up on what ``add`` stores, and imports that ask and that were refused; gives
    the address."""
    home = folder / "home"
    shutil.copytree(bundled / "datasets", home / "datasets")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEADSTART_HOME", str(home))
        dataset = add()
        store_compared(open_store(), dataset)
        path = facts_path(dataset, IMAGE_SIZE, backbones_here())
        write_facts(made_facts.facts(dataset), path)
        patch.setattr(imports, "ensure_worker", do_next)
        for name, members in UPLOADS.items():
            imports.receive_upload(open_store(), [(name, io.BytesIO(zipped(members)))], None)
        with running_app(home, folder / "server.log") as address:
            yield address
