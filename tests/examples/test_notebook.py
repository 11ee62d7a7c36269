"""The notebooks run in Jupyter's kernel as they are."""

import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook(path, tmp_path):
    """In this interpreter's kernel: whatever kernel is installed for the user may have another Basalt."""
    book = nbformat.read(path, as_version=4)
    manager = AsyncKernelManager()
    manager._kernel_spec = KernelSpec(argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"])
    NotebookClient(book, km=manager, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    shown = [output for cell in book.cells for output in cell.get("outputs", [])]
    html = "".join(output.get("data", {}).get("text/html", "") for output in shown)
    assert "hidden" in html and "near-memory-22nm" in html
    assert any("image/png" in output.get("data", {}) for output in shown)
    assert not [output for output in shown if output["output_type"] == "error"]


def test_there_is_one():
    assert NOTEBOOKS
    assert not any(cell.get("outputs") for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells)
