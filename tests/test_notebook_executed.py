"""The notebook `examples/open_what_you_have.ipynb`: it runs in a kernel, shows what it says, and its page follows."""

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAME = "open_what_you_have.ipynb"
nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
for package in ("ipykernel", "anywidget", "sklearn"):
    pytest.importorskip(package, reason=f"{package} is not installed")
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Return the notebook after a kernel has run all of it; an error in a cell is an error here."""
    if not (ROOT / "examples").is_dir():
        pytest.skip("no checkout")
    pytest.importorskip("torch", reason="torch is not installed")
    folder = tmp_path_factory.mktemp("notebook")
    for name in (NAME, "character_transformer.py"):
        shutil.copy(ROOT / "examples" / name, folder)
    (folder / "profile_default").mkdir()
    (folder / "profile_default" / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n")
    book = nbformat.read(folder / NAME, as_version=4)
    paths = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(folder))
        patch.setenv("PYTHONPATH", paths)
        client = nbclient.NotebookClient(book, timeout=180, resources={"metadata": {"path": str(folder)}})
        client.execute()
    return book


def outputs(book, of):
    (cell,) = [cell for cell in book.cells if cell.cell_type == "code" and of in cell.source]
    return cell.outputs


def state(book, output):
    model = output.data[VIEW]["model_id"]
    return book.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"][model]["state"]


pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the libraries that speak with the kernel
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_every_cell_shows_what_it_says(executed):
    folded, opened = (outputs(executed, of)[-1].data["image/svg+xml"] for of in ("viz.draw(loss)", 'unfold="blocks.0'))
    assert "blocks.1" in folded
    assert "heads.1" in opened
    told = "".join(o.text for o in outputs(executed, "shares = ") if o.output_type == "stream")
    ours, torchs = told.splitlines()[-1].split()[0], outputs(executed, "in torch")[0].text.split()[0]
    assert ours == torchs
    assert "integrated gradients add up" in outputs(executed, "nn.attribute")[0].text


def test_the_page_is_a_widget_that_followed_the_assignment(executed):
    (shown,) = outputs(executed, "viz.player(y)")
    assert {VIEW, "text/html", "image/svg+xml"} <= set(shown.data)
    assert state(executed, shown)["numbers"] == {"0": 1.25}


def test_the_picture_followed_the_training(executed):
    shown = outputs(executed, "viz.live")[0]
    assert "epoch 150, loss" in state(executed, shown)["picture"]


def test_the_notebook_is_kept_without_outputs():
    book = nbformat.read(ROOT / "examples" / NAME, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in book.cells)
