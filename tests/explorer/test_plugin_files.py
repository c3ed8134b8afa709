"""A person's own mechanisms: `linviz explore --plugin FILE.py`."""
from __future__ import annotations

import pytest

from explorer.concentrate.mechanism_menu import menu, spec_title
from explorer.serve import take_plugins
from linviz import cli, names
from linviz.mechanisms import REGISTRY
from linviz.mechanisms.plugin_files import check_plugins, load_plugin
from tests.conftest import ROOT, free_port, serving

from .browser import enter, model
from .harness import said, visit

GOOD = '''
from linviz.mechanisms import Kernel


class Mine(Kernel):
    """phi(x) = relu(x)^2."""

    name, title = "mine", "squares"
    paper, cost, rank = "No paper", "N D E", "D"

    def features(self, q, k):
        return q.relu().square(), k.relu().square()
'''
BROKEN = {
    "": "it registers no mechanism",
    "1 / 0": "ZeroDivisionError: division by zero",
    "import": "SyntaxError",
    "raise SystemExit(3)": "it ends the program, with status 3",
    GOOD.replace('"mine"', '"softmax"'): "there already is a mechanism called 'softmax'; give yours another name",
    GOOD.replace("paper, cost, rank = ", "paper, cost, _ = "): "the class of 'mine' has no rank",
    GOOD.replace("q.relu().square()", "q[..., :3]"): "RuntimeError",
    GOOD.replace("k.relu().square()", "k.relu() / 0"): "should be finite",
    GOOD.replace("name, title", 'family, name, title').replace('"mine"', '"odd", "mine"'): "the family of 'mine'"}


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A file with one mechanism; whatever a test registers is gone afterwards."""
    before = dict(REGISTRY)
    (tmp_path / "mine.py").write_text(GOOD, "utf-8")
    yield tmp_path / "mine.py"
    REGISTRY.clear()
    REGISTRY.update(before)


def test_a_plugin_is_in_every_menu_and_named_as_one(plugin):
    assert take_plugins(["serve", "--plugin", str(plugin), "--server.port", "1"]) == ["serve", "--server.port", "1"]
    assert "mine" in names() and {"mine", "mine+gate"} <= {*menu()}
    assert spec_title("mine") == "squares (plugin)" and spec_title("mine+gate") == "squares (plugin) + gate"
    with pytest.raises(ValueError, match="already is a mechanism called 'mine'"):
        load_plugin(plugin)


def test_a_broken_file_is_one_sentence_and_leaves_nothing_behind(plugin):
    there = dict(REGISTRY)
    for text, why in BROKEN.items():
        plugin.write_text(text, "utf-8")
        with pytest.raises(ValueError) as error:
            load_plugin(plugin)
        said = str(error.value)
        assert said.startswith("mine.py cannot be loaded as a plugin: ") and why in said, said
        assert there == REGISTRY, text
    for name, why in (("none.py", "there is no such file"), ("mine.txt", "there is no such file")):
        with pytest.raises(ValueError, match=f"{name} cannot be loaded as a plugin: {why}"):
            load_plugin(plugin.with_name(name))


def test_the_command_line_checks_a_plugin_before_the_server_starts(plugin, monkeypatch, capsys):
    became = []
    monkeypatch.setattr(cli, "replace_process", lambda *command: became.append(command))
    assert cli.main(["explore", "--plugin", str(plugin)]) == 0 and "mine" not in names()
    assert became[0][became[0].index("--plugin") + 1] == str(plugin)
    assert cli.main(["explore", "--plugin", str(plugin), "--plugin", str(plugin)]) == 1, "one name twice"
    plugin.write_text("1 / 0", "utf-8")
    assert cli.main(["explore", "--plugin", str(plugin)]) == 1 and len(became) == 1
    said = capsys.readouterr().err.strip().splitlines()
    assert said[-1] == "linviz: mine.py cannot be loaded as a plugin: ZeroDivisionError: division by zero"


def test_only_a_command_line_brings_code(plugin):
    text = said(visit(specs="softmax,mine", plugin=str(plugin)))
    assert "mine" not in names() and "plugin=" in text and "has no effect" in text
    check_plugins([plugin])
    assert "mine" not in names()


@pytest.mark.nightly
def test_a_server_with_a_plugin_shows_it_and_a_link_to_it_opens(plugin, page, tmp_path):
    port = free_port()
    url, options = f"http://127.0.0.1:{port}", ["--no-browser", "--port", port, "--plugin", plugin]
    with serving(["-m", "linviz", "explore", *options], f"{url}/_stcore/health", tmp_path / "log", ROOT):
        enter(page, f"{url}/?patches=7&specs=softmax,mine,mine%2Bgate&steps=10")
        assert model(page)["panels"][1] == "squares (plugin)"
        page.goto(f"{url}/atlas")
        page.get_by_text("squares (plugin)").first.wait_for()
    assert not page.problems
