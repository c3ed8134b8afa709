"""What tests may ask for: a browser, a page that lists its problems, the explorer and JupyterLab, served."""
from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

import start

ROOT = Path(__file__).parents[1]
BROWSER = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
           "--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-first-run",
           "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost")


# ---------------------------------------------------------------- a browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A Chromium that finds no host but this one. Where there is none, the test fails: nothing is skipped."""
    from playwright.sync_api import sync_playwright
    path = start.find_browser()
    if path is None:
        pytest.fail("no Chromium or Chrome found: `python3 start.py test` installs one, LINVIZ_CHROMIUM names another")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(chromium: Any) -> Iterator[Any]:
    """One visitor's browser for all tests; whoever has to be somebody else makes another."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture(scope="session")
def tab(context: Any) -> Iterator[Any]:
    """One tab for all tests: what its process has compiled, the next load need not compile."""
    page = context.new_page()
    page.problems = watch(page)
    yield page
    page.close()


@pytest.fixture
def page(tab: Any) -> Iterator[Any]:
    """The tab as if it were new. `page.problems` lists console errors, page errors, requests to other hosts.

    Scripts that are added to it stay: a test that adds one opens a page in a context of its own.
    """
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.emulate_media(media="null", color_scheme="null", reduced_motion="null")
    tab.mouse.move(0, 0)
    tab.problems.clear()
    yield tab
    if tab.url.startswith("http"):
        tab.evaluate("localStorage.clear(), sessionStorage.clear()")
    tab.goto("about:blank")
    tab.context.clear_cookies()


def watch(page: Any) -> list[str]:
    """The list that a page's troubles are written into from now on."""
    problems: list[str] = []

    def ask(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            problems.append(f"request to another host: {url}")

    page.on("console", lambda said: said.type == "error" and problems.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("websocket", lambda opened: ask(opened.url))
    page.context.on("request", lambda request: ask(request.url))
    return problems


# ---------------------------------------------------------------- servers


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(command: list[Any], health: str, log: Path, cwd: Path, **environment: str) -> Iterator[None]:
    """Run a server until the block ends; raises with the end of its log where it does not answer within a minute."""
    variables = os.environ | {"OMP_NUM_THREADS": "1"} | environment
    with log.open("wb") as out, subprocess.Popen([sys.executable, *map(str, command)], stdout=out, stderr=out,
                                                 stdin=subprocess.DEVNULL, cwd=cwd, env=variables) as server:
        try:
            wait_for(health, server, log)
            yield
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()


def wait_for(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the address answers."""
    for _ in range(600):
        with contextlib.suppress(OSError), urllib.request.urlopen(health, timeout=5):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"{health} does not answer; its server said: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def explorer_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The explorer, served; its app must never have failed by the time all tests are done."""
    log, port = tmp_path_factory.mktemp("explorer") / "log", free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["-m", "explorer.serve", "--server.address", "127.0.0.1",
               "--server.port", port, "--server.headless", "true", "--server.fileWatcherType", "none"]
    with serving(command, f"{url}/_stcore/health", log, ROOT):
        yield url
    assert "Uncaught app execution" not in log.read_text(errors="replace"), log.read_text(errors="replace")[-4000:]


@pytest.fixture(scope="session")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a copy of notebooks/, with settings of its own: nothing is read from a user or written here."""
    home, port = tmp_path_factory.mktemp("lab"), free_port()
    shutil.copytree(ROOT / "notebooks", home / "notebooks")
    (home / "labconfig").mkdir()
    (home / "labconfig" / "page_config.json").write_text(
        '{"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": true}}')
    command = ["-m", "jupyterlab", "--no-browser", "--allow-root", "--ip", "127.0.0.1", "--port", port,
               "--IdentityProvider.token=", "--ServerApp.password=", "--ServerApp.disable_check_xsrf=True",
               "--ServerApp.port_retries=0", f"--ServerApp.root_dir={home / 'notebooks'}"]
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    url = f"http://127.0.0.1:{port}"
    with serving(command, f"{url}/api", home / "log", home, **dict.fromkeys(folders, str(home))):
        yield url


# ---------------------------------------------------------------- the order


LATE = ("budget", "browser")
LONGEST = ("jupyterlab", "test_browser.py", "test_hand.py", "test_book.py", "test_own_browser.py",
           "test_exports_browser.py", "test_streamlit.py", "test_atlas_browser.py")   # the others take half a minute


def pytest_configure(config: pytest.Config) -> None:
    """Of the whole suite, asked for what asserts a time alone, leave the doctests out: none of them does."""
    if asks_for_times(config) and config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        config.args = ["tests"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Asked for what asserts a time alone, import no other test: that takes longer than they do."""
    if not asks_for_times(config) or collection_path.suffix != ".py":
        return None
    return True if "mark.budget" not in collection_path.read_text("utf-8") else None


def asks_for_times(config: pytest.Config) -> bool:
    """Whether `-m` says so, and nothing else."""
    return bool(config.option.markexpr == "budget")


@pytest.hookimpl(tryfirst=True)  # before groups are read
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that assert a time and, after them, browser tests run last.

    While Playwright is open its event loop belongs to the thread that all tests share. With two processes a file's
    tests stay together (its browser tests apart, as they come last), for the sake of what they share; files that share
    something name a group of their own, and whatever needs JupyterLab runs in one process, beside the one server. The
    explorer is served in both: one for half the tests costs less than a core that waits at the end. Browser tests begin
    with the longest files.
    """
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "chromium" in fixtures:
            item.add_marker("browser")
        if "lab_url" in fixtures:
            item.add_marker(pytest.mark.xdist_group("jupyterlab"))
        if not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(f"{item.path.as_posix()} {place(item)}"))
    items.sort(key=lambda item: (place(item), turn(item)))


def place(item: pytest.Item) -> int:
    """0 for a test that minds nothing, else when it may run."""
    return max((n for n, name in enumerate(LATE, 1) if item.get_closest_marker(name)), default=0)


def turn(item: pytest.Item) -> int:
    """When a browser test comes among the others: the longest files first, so that no process waits at the end."""
    if not item.get_closest_marker("browser"):
        return 0
    names = {item.path.name, *(mark.args[0] for mark in item.iter_markers("xdist_group"))}
    return next((n for n, name in enumerate(LONGEST) if name in names), len(LONGEST))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Stop where groups were not read: tests that share something would each make it anew, all at once."""
    if getattr(session.config.option, "loadgroup", False) and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("this pytest-xdist does not group tests under this pytest: take the versions of "
                                "constraints.txt")
