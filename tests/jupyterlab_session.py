"""A JupyterLab of its own, driven in headless Chromium: a notebook is opened, its cells run, its frames looked at."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from waiting import until


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def write_notebook(path: Path, cells: list[str]) -> None:
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
        for i, text in enumerate(cells)
    ]
    kernel = {"name": "here", "display_name": "here", "language": "python"}
    path.write_text(json.dumps({"cells": code, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}))


@contextlib.contextmanager
def server(folder: Path) -> Iterator[str]:
    """Run JupyterLab in a folder, its kernel this Python with this checkout, and yield its address."""
    spec = folder / "share" / "kernels" / "here"
    spec.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    paths = os.pathsep.join(p for p in sys.path if p)
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "here", "env": {"PYTHONPATH": paths}}))
    port = free_port()
    own = {key: str(folder / key) for key in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR")}
    environment = {**os.environ, **own, "JUPYTER_PATH": str(folder / "share"), "PYTHONPATH": ""}
    command = [shutil.which("jupyter-lab") or "", "--no-browser", f"--port={port}", "--IdentityProvider.token=t"]
    command += ["--allow-root", f"--ServerApp.root_dir={folder}", "--LabApp.news_url=", "--expose-app-in-browser"]
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=log, stderr=log)
    try:
        until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/lab?token=t", timeout=5).status, "the server")
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def end(process: subprocess.Popen[Any]) -> None:
    """Ask a process to end; one that does not is ended."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=20)
    process.kill()
    process.wait(timeout=20)
