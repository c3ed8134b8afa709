"""The front door: what `linviz.<TAB>` offers, how `help(linviz)` reads, and that `import linviz` waits for nothing."""
from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

import linviz

OFFERED = ["Grid", "capture", "clips", "course", "figures", "make", "maps", "mechanisms", "models", "names",
           "patch_view", "read", "survey", "view", "views"]


@pytest.mark.parametrize("static", [True, False], ids=["jedi", "plain"])
def test_tab_offers_what_is_documented_and_nothing_else(static: bool) -> None:
    shell = InteractiveShell()
    shell.user_ns["linviz"] = linviz
    shell.Completer.use_jedi = static
    with provisionalcompleter():
        found = [one.text.removeprefix(".") for one in shell.Completer.completions("linviz.", len("linviz."))]
    assert sorted(found) == sorted(OFFERED) == sorted(linviz.__all__) == sorted(dir(linviz))


def test_everything_offered_is_there_and_described() -> None:
    for name in linviz.__all__:
        assert inspect.getdoc(getattr(linviz, name)), name
        assert f"    {name} " in (linviz.__doc__ or "") or f"linviz.{name}(" in (linviz.__doc__ or ""), name


def test_help_reads_as_a_page() -> None:
    page = pydoc.plain(pydoc.render_doc(linviz))
    first = page[:page.index("PACKAGE CONTENTS")].splitlines()
    assert len(first) < 50 and "linviz.view(" in page and "    make(spec: " in page and "    view(source: " in page
    assert "__getattr__" not in page and "TYPE_CHECKING" not in page and "HOMES" not in page


@pytest.mark.parametrize("function", [linviz.view, linviz.make, linviz.read, linviz.names, linviz.Grid,
                                      linviz.figures.spectrum, linviz.figures.cumulative])
def test_what_is_public_says_shapes_errors_and_an_example(function) -> None:
    words = inspect.getdoc(function) or ""
    assert ">>> " in words, "one example that runs"
    if function not in (linviz.names, linviz.figures.spectrum, linviz.figures.cumulative):
        assert "ValueError" in words


def test_import_waits_for_nothing() -> None:
    code = "import linviz, sys; print([name for name in ('torch', 'numpy', 'plotly', 'pandas') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
