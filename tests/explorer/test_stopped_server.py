"""When the server stops, the page says so in linviz's words, and goes on once there is a server again."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import streamlit

from explorer.shared.stopped_server import CODE, SENTENCE, TITLE
from tests.conftest import ROOT, free_port, serving


def test_the_installed_streamlit_still_says_what_is_replaced() -> None:
    """Its words and marks change with its versions; then the script has to follow."""
    bundle = next(Path(streamlit.__file__).parent.glob("static/static/js/index.*.js")).read_text("utf-8")
    for words in ("Is Streamlit still running", "Streamlit server is not responding", "stErrorCodeBlock"):
        assert words in CODE and words in bundle


@pytest.mark.nightly  # two servers are started, one after the other
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])  # Streamlit says different things to them
def test_a_page_whose_server_stops_says_so_and_goes_on_with_the_next(page: Any, tmp_path: Path, host: str) -> None:
    port = free_port()
    command = ["-m", "explorer.serve", "--server.address", host, "--server.port", port, "--server.headless", "true",
               "--server.fileWatcherType", "none"]
    health = f"http://{host}:{port}/_stcore/health"
    with serving(command, health, tmp_path / "log", ROOT):
        page.goto(f"http://{host}:{port}/evidence")
        page.get_by_text("In plain words").wait_for(timeout=90_000)
    dialog = page.get_by_role("dialog")
    dialog.wait_for(timeout=60_000)
    assert [line for line in dialog.inner_text().split("\n") if line] == [TITLE, SENTENCE]
    with serving(command, health, tmp_path / "log", ROOT):
        dialog.wait_for(state="detached", timeout=60_000)
        page.get_by_text("In plain words").wait_for(timeout=90_000)
