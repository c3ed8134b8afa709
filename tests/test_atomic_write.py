"""Files that are there whole or not at all, however the writing ends."""
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from linviz import atomic_write
from linviz.atomic_write import write_atomically


def there(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_text_and_bytes_take_the_place_of_what_was_there(tmp_path: Path) -> None:
    path = write_atomically(str(tmp_path / "a.txt"), b"before \r\n")
    assert there(tmp_path) == {"a.txt": b"before \r\n"}
    assert write_atomically(path, "é\n") == path == tmp_path / "a.txt" and there(tmp_path) == {"a.txt": "é\n".encode()}
    write_atomically(tmp_path / ("n" * 250), "as long as a name may be")
    assert len(there(tmp_path)) == 2


@pytest.mark.parametrize("when", ["tempfile.mkstemp", "os.fdopen", "os.fsync", "pathlib.Path.chmod",
                                  "pathlib.Path.replace"])
@pytest.mark.parametrize("why", [KeyboardInterrupt(), OSError(28, "No space left on device")], ids=["Ctrl-C", "full"])
def test_stopped_on_the_way_what_was_there_stays_alone(when: str, why: BaseException, tmp_path: Path,
                                                       monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_atomically(tmp_path / "a.txt", "before")

    def stop(*given: object, **how: object) -> None:
        raise why
    monkeypatch.setattr(when, stop)
    with pytest.raises((KeyboardInterrupt, ValueError)) as found:
        write_atomically(path, "after")
    said = f"cannot write {path}: No space left on device; name a file in a folder you may write to"
    assert found.value is why if isinstance(why, KeyboardInterrupt) else str(found.value) == said
    assert there(tmp_path) == {"a.txt": b"before"}


def test_what_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    for path, how, said in ((tmp_path / "none" / "a.txt", False, "there is no folder .*none"),
                            (tmp_path / "file" / "a.txt", False, "there is no folder .*file"),
                            (tmp_path / "file" / "a.txt", True, "name a file in a folder you may write to"),
                            (tmp_path / "folder", False, "name a file in a folder you may write to")):
        with pytest.raises(ValueError, match=f"^cannot write {path}: .*{said}") as found:
            write_atomically(path, "text", folder=how)
        assert "\n" not in str(found.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder"]
    assert not list((tmp_path / "folder").iterdir())


def test_folders_are_made_only_where_that_is_asked_for(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "c.txt", "deep", folder=True)
    assert there(tmp_path / "a" / "b") == {"c.txt": b"deep"}


@pytest.mark.parametrize("mask, mode", [("022", 0o644), ("077", 0o600), ("002", 0o664)])
def test_a_file_has_the_rights_of_any_new_one(mask: str, mode: int, tmp_path: Path) -> None:
    """Marks stay private where everything else of their owner does."""
    code = (f"import os, runpy; write = runpy.run_path({atomic_write.__file__!r})['write_atomically']; "
            f"write('a', 'text'); print(os.umask(0))")
    script = f"umask {mask}; exec {sys.executable} -c \"{code}\""
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (tmp_path / "a").stat().st_mode & 0o777 == mode and int(done.stdout) == int(mask, 8)
