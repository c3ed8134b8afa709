"""The view's source: one ES module, joined from files that import one another and can be checked one by one."""
from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path

MODULE = ("fields.js", "rows.js", "look.js", "light.js", "scale.js", "outline.js", "pins.js", "weights.js", "panel.js",
          "controls.js", "patch_view.js")
IMPORT = re.compile(r'^import \{\s*\w+(?:,\s*\w+)*\s*\} from "[^"\n]+";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async |const |let |function\b|class ))", re.M)
LEFT = re.compile(r"^(?:import\b|export\b(?! default\b)).*", re.M)


@cache
def module_source(*more: str | Path) -> str:
    """The module, and after it more files, as one text without imports; only a host's `export default` stays.

    A name is an adapter of a host that lies here ("host_widget.js", ...); a path is a page's own file.

    >>> "\\nfunction mount(" in module_source()
    True
    """
    here = files(__package__)
    paths = (name if isinstance(name, Path) else here / name for name in (*MODULE, *more))
    return "\n".join(strip_imports(path.read_text(encoding="utf-8")) for path in paths)


def strip_imports(text: str) -> str:
    """A file's text without its lines `import {a, b} from "./x.js";` and without the word `export` of declarations.

    Every other form is refused, since it would give a name a second name or leave it undefined in the joined module.

    >>> strip_imports('import {h} from "./look.js";\\nexport const a = h;')
    'const a = h;'
    """
    text = EXPORT.sub("", IMPORT.sub("", text))
    if left := LEFT.search(text):
        raise ValueError(f"{left[0]!r} cannot be joined; write `import {{a, b}} from \"./x.js\";` "
                         "and `export` before a declaration")
    return text
