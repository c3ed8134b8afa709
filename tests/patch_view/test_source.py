"""The view's files import one another; joined, they are one module in which every name is there once."""
from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from linviz.patch_view.source import MODULE, module_source, strip_imports
from tests.test_style import ROOT, oxlint

HOME = ROOT / "linviz" / "patch_view"


def joined() -> dict[str, list[Path]]:
    """For every call of `module_source` or `blob_page`: the file it is in, and the JavaScript that is joined there."""
    found = {}
    for path in [*(ROOT / "linviz").rglob("*.py"), *(ROOT / "explorer").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
            if name in ("module_source", "blob_page"):
                home = path.parent if name == "module_source" else HOME
                texts = [n.value for a in node.args for n in ast.walk(a) if isinstance(n, ast.Constant)]
                files = [(home / text if (home / text).is_file() else HOME / text).resolve() for text in texts
                         if text.endswith(".js")]
                found |= {path.relative_to(ROOT).as_posix(): files} if files else {}
    return found


JOINED = joined()


def test_every_file_is_joined_somewhere():
    scripts = {*HOME.rglob("*.js"), *(ROOT / "explorer").rglob("*.js")} - {ROOT / "explorer/shared/stopped_server.js"}
    assert {HOME / name for name in MODULE} | {path for paths in JOINED.values() for path in paths} == scripts


@pytest.mark.parametrize("user", JOINED)
def test_a_file_imports_only_what_is_joined_before_it(user):
    before: list[Path] = []
    for path in [*(HOME / name for name in MODULE), *JOINED[user]]:
        imported = re.findall(r'^import [^"]* from "(.*)";', path.read_text("utf-8"), re.M)
        late = [name for name in imported if (path.parent / name).resolve() not in before]
        assert not late, f"{path.name} imports {late}, which is not joined before it in {user}"
        before.append(path)


@pytest.mark.parametrize("user", JOINED)
def test_a_joined_module_holds_every_name_once(user, tmp_path):
    done = checked(tmp_path, module_source(*JOINED[user]))
    assert done.returncode == 0, done.stdout


def checked(folder: Path, text: str):
    """What oxlint says of a joined module; what no host uses of the module may stay unused here."""
    path = folder / "module.js"
    path.write_text("/* oxlint-disable no-unused-vars */\n" + text, "utf-8")
    return oxlint(path)


@pytest.mark.parametrize("one, two, word", [
    ("export function a() {}", "const a = 1;", "already been declared"),
    ("const a = 1, b = 2;", "class b {}", "already been declared"),
    ("export const a = 1;", 'import {b} from "./b.js";\nexport const c = a + b;', "no-undef"),
])
def test_a_name_in_two_files_or_in_none_is_refused(tmp_path, one, two, word):
    assert word in checked(tmp_path, f"{strip_imports(one)}\n{strip_imports(two)}\n").stdout


def test_imports_and_exports_are_dropped_and_nothing_else():
    text = ('import {a} from "./a.js";\nimport {\n  b,\n  c\n} from "../x/b.js";\n'
            "export class D {}\nexport async function e() {}\n"
            "const text = 'import {a} from \"./a.js\";';\nconst exported = 1;\nexport default function () {}\n")
    assert strip_imports(text) == ("class D {}\nasync function e() {}\nconst text = 'import {a} from \"./a.js\";';\n"
                              "const exported = 1;\nexport default function () {}\n")


@pytest.mark.parametrize("line", [
    'import {a as b} from "./a.js";', 'import a from "./a.js";', 'import * as a from "./a.js";', 'import "./a.js";',
    "export {a};", "export {a as b};", 'export * from "./a.js";', "import {a} from './a.js';",
])
def test_what_cannot_be_joined_is_refused(line):
    with pytest.raises(ValueError, match="cannot be joined"):
        strip_imports(f"const z = 1;\n{line}\n")
