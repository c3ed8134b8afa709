"""The teacher's pack: made from chapters and checks, minutes that add up, slides that ask nobody for anything."""
from __future__ import annotations

import ast
import base64
import copy
import io
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image
from plotly.offline import get_plotlyjs

import start
from linviz.course import checks
from linviz.grade.marks import exercise_marks
from teaching import formats, pack, quarter_hour, slides
from teaching.outline import BOOKS, Lesson, check_of, lessons

HERE = Path(pack.__file__).parent
EVERY = lessons()
BY_NUMBER = {lesson.number: lesson for lesson in EVERY}
each = pytest.mark.parametrize("lesson", EVERY, ids=lambda lesson: lesson.name)


# ---------------------------------------------------------------- made, and never edited


def test_what_is_committed_is_what_the_sources_make() -> None:
    assert pack.main(["--check"]) == 0


def test_an_edit_a_lost_page_and_one_left_over_are_noticed(tmp_path: Path, monkeypatch) -> None:
    files = pack.made(EVERY)
    shutil.copytree(HERE, tmp_path / "course")
    monkeypatch.setattr(pack, "HERE", tmp_path / "course")
    assert pack.stale(files) == []
    page = tmp_path / "course" / "instructor" / f"{EVERY[0].name}.md"
    page.write_text(page.read_text() + "x")
    (tmp_path / "course" / "FORMATS.md").unlink()
    (tmp_path / "course" / "instructor" / "99_gone.md").touch()
    assert pack.stale(files) == ["FORMATS.md", f"instructor/{EVERY[0].name}.md", "instructor/99_gone.md"]


def spoilt(path: list[Any], value: Any) -> dict[str, Any]:
    """The notes of chapter 1 with one thing other than it should be."""
    notes = copy.deepcopy(BY_NUMBER[1].notes)
    place: Any = notes
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return notes


@pytest.mark.parametrize("path, value, says", [
    (["minutes", "1"], 6, "its sections have 41 minutes, and the chapter says 40"),
    (["minutes", "10"], 0, "the chapter has no section 10"),
    (["predict", 0, "asks"], "How many dogs", "the prompt no longer contains 'How many dogs'; it begins"),
    (["predict"], [], "0 answers to 8 prompts"),
    (["stuck", 3, "when"], "when it is all wrong", "the check of 1.1 knows no mistake 'when it is all wrong'"),
    (["slide", 1, "figure"], "3: low temperature", "figure 3 says 'Some patches get far more attention than others"),
    (["slide", 1, "figure"], "77: cold", "figure 77 says ''"), (["slide", 0, "section"], 12, "a slide for section 12")])
def test_notes_that_do_not_fit_their_chapter_are_refused(path: list[Any], value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        Lesson(BY_NUMBER[1].chapter, spoilt(path, value))


def test_a_solution_that_is_not_built_yet_is_named_with_the_command(monkeypatch) -> None:
    """A chapter whose source is newer than its notebooks, and one that has no notebooks at all."""
    chapter = copy.deepcopy(BY_NUMBER[1].chapter)
    next(cell for cell in chapter.cells if cell.cell_type == "code").source += "\n1 + 1"
    monkeypatch.setattr("teaching.pack.lessons", lambda: [Lesson(chapter, BY_NUMBER[1].notes)])
    said = "is missing or older than its source: run `python notebooks/build.py 1` before `python -m teaching.pack`"
    with pytest.raises(ValueError, match=re.escape(f"01_soft_lookup.ipynb {said}")):
        pack.lessons()
    monkeypatch.setattr("teaching.outline.BOOKS", HERE)
    with pytest.raises(ValueError, match=re.escape(said)):
        Lesson(BY_NUMBER[1].chapter, BY_NUMBER[1].notes)


# ---------------------------------------------------------------- a chapter's page


@each
def test_a_page_has_its_minutes_and_they_are_the_chapters(lesson: Lesson) -> None:
    rows = re.findall(r"^\| (\d+|–) \| (?!\*\*\d)", pack.teacher(lesson), re.M)
    m = lesson.front["minutes"]
    assert sum(int(n) for n in rows if n != "–") == m["reading"] + m["exercises"] + m["quiz"]


@each
def test_mistakes_are_called_what_the_check_calls_them(lesson: Lesson) -> None:
    page = pack.teacher(lesson)
    for number in lesson.worths:
        assert all(f"- ... {name}." in page for name in check_of(number).wrong)
        assert any(n.get("exercise") == number and n["say"] for n in lesson.notes["stuck"]), number


@each
def test_every_prediction_and_every_question_is_answered(lesson: Lesson) -> None:
    page = pack.teacher(lesson)
    source = (BOOKS / "src" / f"{lesson.name}.py").read_text("utf-8")
    assert len(lesson.prompts) == source.count("> **Predict") == page.count("**Answer.**")
    assert all(f"> {p.text}" in page and len(n["answer"]) > 20
               for p, n in zip(lesson.prompts, lesson.notes["predict"], strict=True))
    for q in lesson.quiz.questions:
        assert all(q.say(c.why) in page for c in q.choices)
        assert [q.say(c.text) for c in q.choices if c.right][0] in page


@each
def test_a_page_has_a_goal_in_a_sentence_and_a_sketch_for_the_board(lesson: Lesson) -> None:
    assert lesson.notes["goal"].count(".") == 1 and len(lesson.notes["goal"]) < 220
    board = lesson.notes["board"].strip("\n").splitlines()
    assert 5 <= len(board) <= 20 and max(map(len, board)) <= 80


@each
def test_answers_end_before_the_next_exercise(lesson: Lesson) -> None:
    """What the cells of an exercise print answers a prompt only if the exercise follows it at once."""
    for prompt in lesson.prompts:
        later = [e.cell for e in lesson.events if e.cell > prompt.cell and e.kind == "exercise"]
        kinds = [cell.cell_type for cell in lesson.chapter.cells[prompt.cell:min(later, default=0)]]
        if "code" in kinds:
            printed = [d["text/markdown"] for cell in lesson.outputs[prompt.cell:later[0]] for d in cell
                       if "text/markdown" in d]
            plain = [re.sub(r"</?data[^>]*>", "", text) for text in printed]
            assert set(lesson.said(prompt)) <= set(plain), prompt.text


def test_answers_of_an_exercise_that_follows_at_once_are_given() -> None:
    prompt = next(p for p in BY_NUMBER[11].prompts if "What share of a row comes from the pair" in p.text)
    assert "The cup, mean over all rows: the pair 0.40" in " ".join(BY_NUMBER[11].said(prompt))
    prompt = next(p for p in BY_NUMBER[2].prompts if "by which factor do the multiplications grow" in p.text)
    assert not any("yours and linviz" in text for text in BY_NUMBER[2].said(prompt))


def test_answers_have_the_numbers_that_the_chapter_prints() -> None:
    page = pack.teacher(BY_NUMBER[3])
    assert "In float32 the rank is **4**." in page and "<data" not in page


# ---------------------------------------------------------------- formats, marks, learners


def test_minutes_of_the_formats_add_up() -> None:
    lengths = {f["name"]: {s["minutes"] for s in f["session"]} for f in formats.formats()}
    assert lengths == {"Two hours": {120}, "Half a day": {240}, "Four weeks": {90}}
    assert [len(f["session"]) for f in formats.formats()][:2] == [1, 1]
    for session in (s for f in formats.formats() for s in f["session"]):
        assert sum(formats.minutes(b, BY_NUMBER) for b in session["block"]) == session["minutes"], session["name"]


def test_a_session_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(ValueError, match="its blocks have 5 minutes, not 6"):
        list(formats._session({"name": "Short", "minutes": 6, "block": [{"what": "x", "minutes": 5}]}, BY_NUMBER))


@pytest.mark.parametrize("block, homework, missing", [
    ({"chapter": 99, "sections": [1]}, [], "chapter 99"),
    ({"chapter": 1, "sections": [77]}, [], "section 77 of chapter 1"),
    ({"chapter": 1, "exercises": ["1.9"]}, [], "exercise 1.9"), ({"chapter": 1}, ["99.1"], "exercise 99.1")])
def test_a_format_that_names_what_is_not_there_is_refused(block: dict[str, Any], homework: list[str], missing: str,
                                                           monkeypatch) -> None:
    session = {"name": "Short", "minutes": 0, "block": [block], "homework": homework}
    monkeypatch.setattr(formats, "formats", lambda: [{"name": "A", "about": "", "session": [session], "left_out": ""}])
    with pytest.raises(ValueError, match=f"Short names {re.escape(missing)}, which does not exist"):
        formats.page(EVERY)


@pytest.mark.parametrize("each_format", formats.formats(), ids=lambda f: f["name"])
def test_nothing_is_given_twice_and_four_weeks_leave_nothing_out(each_format: dict[str, Any]) -> None:
    sessions = each_format["session"]
    blocks = [b for s in sessions for b in s["block"] if "chapter" in b]
    done = [n for b in blocks for n in b.get("exercises", [])] + [n for s in sessions for n in s.get("homework", [])]
    taught = [(b["chapter"], n) for b in blocks for n in b.get("sections", [])]
    asked = [b["chapter"] for b in blocks if b.get("quiz")] + [n for s in sessions for n in s.get("quizzes", [])]
    for given in (done, taught, asked):
        assert len(given) == len(set(given))
    assert [b["chapter"] for b in blocks] == sorted(b["chapter"] for b in blocks)
    assert {n.split(".")[0] for n in done} <= {str(chapter) for chapter, _ in taught}
    if each_format["name"] == "Four weeks":
        assert set(done) == {e.number for e in checks.ALL.values()} and set(asked) == set(BY_NUMBER)
        assert set(taught) == {(e.number, n) for e in EVERY for n in e.sections if e.minutes(n)}


def test_points_in_the_scheme_are_those_of_the_sheet() -> None:
    page, graded = pack.marking(EVERY), exercise_marks(BOOKS)
    assert {n: w for e in EVERY for n, w in e.worths.items()} == graded
    assert all(f"| {w.number} {w.title} | {w.difficulty} | {w.importance} | {w.points} |" in page
               for w in graded.values())
    assert "| near | half |" in page


def test_what_the_pack_names_is_there() -> None:
    numbers = {e.number for e in checks.ALL.values()}
    for path in HERE.rglob("*.md"):
        text = path.read_text("utf-8")
        targets = [t for t in re.findall(r"\]\(([^)#]+)(?:#[\w-]+)?\)", text) if not t.startswith("http")]
        if path.parent.name != "src":
            assert not [t for t in targets if not (path.parent / t).exists()], path
    learners = (HERE / "LEARNERS.md").read_text("utf-8")
    assert set(re.findall(r"\b\d+\.\d\b", learners)) <= numbers and learners.count("\n## ") == 3
    assert all(f"(FORMATS.md#{f['name'].lower().replace(' ', '-')})" in learners for f in formats.formats())


# ---------------------------------------------------------------- fifteen minutes, and facts outside of chapters


def test_fifteen_minutes_have_steps_that_follow_each_other_and_quote_their_sources() -> None:
    page = (HERE / "FIFTEEN_MINUTES.md").read_text("utf-8")
    steps = [tuple(map(int, found)) for found in re.findall(r"^\| (\d+) to (\d+) \|", page, re.M)]
    assert steps[0][0] == 0 and steps[-1][1] == 15 and all(a[1] == b[0] for a, b in zip(steps, steps[1:]))
    shown = (HERE.parent / "docs" / "view.html").read_text("utf-8")
    counts = quarter_hour.view_counts()
    assert f"from {counts['floor']} to {counts['gate']} patches" in page and all(
        f">{word}<" in shown or f'"{word}"' in shown for word in ("projector", "replay the fit", "gate strength"))
    assert not re.search(r"{\w+}", page)


@pytest.mark.parametrize("spoil, says", [
    (lambda m: m.setattr(quarter_hour, "VIEW", HERE / "FORMATS.md"), "has another title"),
    (lambda m: m.setattr(quarter_hour.evidence, "figure_data", lambda name: None), "no accuracy of relu, relu"),
    (lambda m: m.setattr(quarter_hour.evidence, "headline_claims", lambda: []), "no headline claim"),
    (lambda m: m.setattr(BY_NUMBER[13], "outputs", []), "prints nothing that begins with")])
def test_fifteen_minutes_without_a_source_are_refused(spoil: Any, says: str, monkeypatch) -> None:
    spoil(monkeypatch)
    with pytest.raises(ValueError, match=says):
        quarter_hour.quarter_hour_page(EVERY, "")


def printed_numbers(number: int, start: str) -> list[float]:
    """The numbers in what a chapter prints, from a beginning on."""
    texts = (d.get("text/markdown", "") for cell in BY_NUMBER[number].outputs for d in cell)
    plain = next(text for text in (re.sub(r"</?data[^>]*>|[*,]", "", t) for t in texts) if start in text)
    return [float(x) for x in re.findall(r"\d+\.\d+|\d+", plain.partition(start)[2])]


def test_numbers_that_the_pages_for_teachers_quote_are_those_of_the_chapters() -> None:
    """Each of these sentences stands without a cell beside it: in LEARNERS.md, in notes, in key points."""
    learners = " ".join((HERE / "LEARNERS.md").read_text("utf-8").split())
    floor, relu, cosine = printed_numbers(11, "With the floor ")[:3]
    assert "The cosine brings a ninth of the gain" in learners and round((floor - cosine) / (relu - cosine)) == 9
    share = dict(zip(("vit", "short", "long"), (printed_numbers(2, f"| a {what} 768 channels |")[0] for what in (
        "picture 14 × 14 patches", "clip 8 × 14 × 14", "clip 16 × 28 × 28"))))
    assert "about a ninth of the multiplications, in a clip of eight frames half of them" in learners
    assert round(100 / share["vit"]) == 9 and abs(share["short"] - 50) < 3 and share["long"] > 80
    assert "half for a clip of eight frames" in " ".join(s.get("notes", "") for s in BY_NUMBER[2].notes["slide"])
    assert "half in a short clip" in " ".join(BY_NUMBER[2].front["key_points"])
    clips = [printed_numbers(14, f"\n| {name} |") for name in ("digit", "pan", "crossing", "motorcycle")]
    assert "strangers do worse than neighbours in time" in learners
    assert all(own[3] >= own[1] for own in clips) and any(own[3] > own[1] for own in clips)


# ---------------------------------------------------------------- slides


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The slides, printed once."""
    place = tmp_path_factory.mktemp("slides")
    slides.write(place, EVERY)
    return place


@each
def test_slides_name_no_file_but_plotly_and_hold_the_whole_chapter(folder: Path, lesson: Lesson) -> None:
    page = (folder / f"{lesson.name}.html").read_text("utf-8")
    assert len(page) < 1_500_000 and not list(folder.glob("*.part"))
    assert not re.search(r"url\(\s*[\"']?(https?:)?//|@import|\bfetch\(|XMLHttpRequest|\bimport\(", page)
    soup = BeautifulSoup(page, "html.parser")
    named = [t[a] for t in soup.find_all(True) for a in ("src", "href", "data", "poster", "action") if t.has_attr(a)]
    assert [name for name in named if not name.startswith("data:")] == [slides.LIBRARY]
    assert (folder / slides.LIBRARY).read_text("utf-8") == get_plotlyjs()
    policy = soup.find("meta", attrs={"http-equiv": "Content-Security-Policy"})
    assert "default-src 'none'" in policy["content"] and "connect-src 'none'" in policy["content"]

    found = soup.select("section.slide")
    assert len(soup.select(".ask")) == len(lesson.prompts) and len(soup.select(".task")) == len(lesson.worths)
    assert len(soup.select("aside.notes")) >= len(found) - 2
    bare = ("script", "style", "code", "pre", "annotation")
    words = "".join(t for t in soup.find_all(string=True) if not t.find_parents(bare))
    assert "$" not in words and "\\" not in words and soup.find("math") is not None
    assert all(place["aria-label"] and soup.find(id=place["data-figure"]) for place in soup.select("[data-figure]"))
    assert len(soup.select(".figure")) == sum("figure" in note for note in lesson.notes["slide"]) >= 3
    assert all(picture.get("alt") for picture in soup.find_all("img"))


def test_pictures_on_slides_are_bright(folder: Path) -> None:
    """Every picture of attention is lit for a projector: its unlit parts are far from black."""
    shown = 0
    for lesson in EVERY:
        soup = BeautifulSoup((folder / f"{lesson.name}.html").read_text("utf-8"), "html.parser")
        for picture in soup.select(".figure.still > img[alt^='The attention of']"):
            image = Image.open(io.BytesIO(base64.b64decode(picture["src"].partition(",")[2]))).convert("L")
            grey = np.asarray(image.crop((0, 40, *image.size)), dtype=float)
            assert grey.mean() > 75 and np.quantile(grey, 0.05) > 30, (lesson.name, grey.mean())
            shown += 1
    assert shown >= 8 and sum(path.stat().st_size for path in folder.iterdir()) < 15e6


@each
def test_a_stub_is_the_same_code_in_lines_that_fit_a_slide(lesson: Lesson) -> None:
    for stub in map(lesson.stub, lesson.worths):
        told = slides.wrapped(stub)
        assert max(map(len, told.splitlines())) <= slides.CODE
        signatures = [ast.unparse(ast.parse(code).body[0]).split(":\n")[0] for code in (stub, told)]
        assert signatures[0] == signatures[1]


FITS = """() => { const slide = document.querySelector(".slide.on"), foot = document.querySelector("footer");
  const low = Math.max(...[...slide.children].filter(e => e.className !== "notes")
                       .map(e => e.getBoundingClientRect().bottom));
  return slide.scrollHeight <= slide.clientHeight && slide.scrollWidth <= slide.clientWidth
    && low <= foot.getBoundingClientRect().top; }"""


COVERED = """() => { const on = document.querySelector(".slide.on"), top = on.querySelector(".notes")
    ?.getBoundingClientRect().top ?? innerHeight;
  return [...on.querySelectorAll(".figure img, .figure .main-svg")].some(e => e.getBoundingClientRect().bottom > top
    || e.getBoundingClientRect().height < 80); }"""


def test_slides_open_without_a_network_and_move_by_key(folder: Path, page: Any) -> None:
    lesson = BY_NUMBER[0]
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto((folder / f"{lesson.name}.html").as_uri())
    where = page.locator(".where")
    count = int(where.inner_text().split(" / ")[1])
    assert where.inner_text() == f"1 / {count}" and page.locator(".slide:visible").count() == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert where.inner_text() == f"3 / {count}" and page.url.endswith("#3")
    answer = page.locator(".slide.on .reveal")
    assert not answer.is_visible() and page.locator(".slide.on .ask").is_visible()
    page.keyboard.press("ArrowRight")
    assert answer.is_visible() and where.inner_text() == f"3 / {count}"
    assert not page.locator(".slide.on .notes").is_visible()
    page.keyboard.press("n")
    assert "show of hands" in page.locator(".slide.on .notes").inner_text()
    covered = [n + 1 for n in range(count) if page.evaluate(f"go({n}, true), ({COVERED})()")]
    assert covered == [], "notes cover a picture"
    page.evaluate("go(2, true)")
    page.keyboard.press("n")
    page.keyboard.press("ArrowLeft")
    assert where.inner_text() == f"2 / {count}"
    unfit = [n + 1 for n in range(count) if not page.evaluate(f"go({n}, true), ({FITS})()")]
    assert unfit == [] and page.evaluate("document.querySelectorAll('[data-figure] .main-svg').length") > 0
    page.keyboard.press("Home")
    page.locator(".forth").click()
    assert where.inner_text() == f"2 / {count}" and page.problems == []


def test_one_command_prints_them(monkeypatch, tmp_path: Path, capsys) -> None:
    handed = []
    monkeypatch.setattr(start, "prepare", lambda extras: None)
    monkeypatch.setattr(start.os, "chdir", lambda path: None)
    monkeypatch.setattr(start, "hand_over", lambda *given, **_: handed.append(given))
    start.main(["slides", str(tmp_path)])
    start.main(["grade", "submissions"])
    assert handed == [("teaching.slides", [str(tmp_path)]), ("linviz", ["grade", "submissions"])]
    monkeypatch.setattr(slides, "lessons", lambda: EVERY[:1])
    assert slides.main([str(tmp_path)]) == 0 and "1 chapters" in capsys.readouterr().out
    assert (tmp_path / "index.html").exists()
