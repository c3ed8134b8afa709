"""A name on the hub: fetched from a hub on this machine where it is allowed, and never otherwise."""
from __future__ import annotations

import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linviz.capture import load_model

from .tiny_models import build_model


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[str, list[str]]]:
    """The address of a hub with one model, `my/vit`, and what was asked of it."""
    asked: list[str] = []

    class Hub(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            name = self.path.partition("/my/vit/resolve/main/")[2].partition("?")[0]
            file = tmp_path / "vit" / (name or "nothing")
            data = file.read_bytes() if file.is_file() else b""
            self.send_response(200 if data else 404)
            for key, value in {"Content-Length": str(len(data)), "ETag": f'"{hashlib.sha1(data).hexdigest()}"',
                               "X-Repo-Commit": "0" * 40, "X-Error-Code": "" if data else "EntryNotFound"}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

        do_HEAD = do_GET

        def log_message(self, *_: Any) -> None:
            """Nothing is printed."""

    build_model("ViT").save_pretrained(tmp_path / "vit")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.nightly
def test_a_model_is_fetched_where_it_is_allowed(hub: tuple[str, list[str]], tmp_path: Path) -> None:
    address, asked = hub
    words = [sys.executable, "-m", "linviz", "capture", "my/vit", "coffee"]
    variables = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path / "cache")}

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*words, *more], env=variables, capture_output=True, text=True)
    refused = run()
    assert refused.returncode == 1 and "allow it with --download" in refused.stderr and asked == []
    done = run("--download")
    assert done.returncode == 0 and "2 layers" in done.stdout and any("model.safetensors" in path for path in asked)
    (tmp_path / "vit" / "model.safetensors").rename(tmp_path / "vit" / "pytorch_model.bin")
    variables["HF_HOME"] = str(tmp_path / "another")
    pickled = run("--download")
    assert pickled.returncode == 1 and "'my/vit' cannot be loaded" in pickled.stderr
    assert not any("pytorch_model.bin" in path for path in asked)


def test_without_leave_a_name_is_no_model() -> None:
    with pytest.raises(ValueError, match="'my/vit' is no folder with a model; to fetch it from the hub, allow"):
        load_model("my/vit")
