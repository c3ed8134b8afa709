"""Work aside: watched, stopped, kept for everybody, waited for by nobody."""
from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from explorer.shared import background_jobs
from explorer.shared.background_jobs import DrawnPages, Job, JobList, ResultCache


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool


def steps(gate: threading.Event, started: threading.Event):
    """A task that reports step 1 of 3, waits for the gate, then goes on as long as it may."""
    def task(report):
        started.set()
        done = 0
        for step in (1, 2, 3):
            done = step
            if not report(step, 3, 0.5):
                break
            assert gate.wait(10)
        return done
    return task


def test_a_job_tells_how_far_it_is_and_hands_its_result_over(pool):
    gate, started, kept = threading.Event(), threading.Event(), []
    job = Job(steps(gate, started), pool, kept.append)
    assert started.wait(10)
    while job.step == 0:
        pass
    assert (job.step, job.steps, job.value, job.over) == (1, 3, 0.5, False)
    gate.set()
    assert job.future.result(10) == 3 and job.over and kept == [3]


def test_a_stopped_job_ends_at_its_next_step_and_its_result_is_not_kept(pool):
    gate, started, kept = threading.Event(), threading.Event(), []
    job = Job(steps(gate, started), pool, kept.append)
    assert started.wait(10)
    job.stop()
    gate.set()
    assert job.future.result(10) in (1, 2) and job.stopped and kept == []


def test_what_has_not_begun_never_begins_once_stopped(pool):
    gate, started, other = threading.Event(), threading.Event(), threading.Event()
    first = Job(steps(gate, started), pool)
    waiting = Job(steps(gate, other), pool)
    waiting.stop()
    gate.set()
    first.future.result(10)
    assert waiting.over and waiting.result() is None and not other.is_set()


def test_an_error_comes_out_where_the_result_is_asked_for(pool):
    def task(report):
        raise ValueError("no")
    with pytest.raises(ValueError, match="no"):
        Job(task, pool).result()


def test_a_desk_begins_what_is_new_and_stops_what_is_no_longer_wanted(pool):
    gate, begun = threading.Event(), []

    def begin(name):
        def make():
            begun.append(name)
            return Job(steps(gate, threading.Event()), pool)
        return make
    desk = JobList()
    desk.want({"a": begin("a"), "b": begin("b")})
    a, b = desk.jobs["a"], desk.jobs["b"]
    desk.want({"b": begin("b"), "c": begin("c")})
    assert begun == ["a", "b", "c"] and a.stopped and not b.stopped and desk.jobs["b"] is b
    gate.set()


def test_the_shelf_keeps_the_newest_and_what_was_last_asked_for():
    shelf = ResultCache(2)
    for key in "ab":
        shelf.put(key, key)
    assert shelf.get("a") == "a"
    shelf.put("c", "c")
    assert (shelf.get("a"), shelf.get("b"), shelf.get("c")) == ("a", None, "c")


def test_many_hands_on_the_shelf_at_once():
    shelf = ResultCache(8)

    def work(hand):
        for n in range(300):
            shelf.put((hand, n % 9), n)
            shelf.get((hand, (n + 3) % 9))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert sum(shelf.get((hand, n)) is not None for hand in range(4) for n in range(9)) == 8


# ---------------------------------------------------------------- pages first


def test_work_aside_waits_at_its_step_while_a_page_is_drawn(pool, monkeypatch):
    monkeypatch.setattr(background_jobs, "PAGES", pages := DrawnPages())
    monkeypatch.setattr(background_jobs, "COURTESY", 60)
    passed = threading.Event()
    with pages.drawing(), pages.drawing():
        job = Job(lambda report: report(1, 2, 0.0) and passed.set(), pool)
        assert not passed.wait(0.1) and job.step == 1
    assert passed.wait(10)


def test_work_aside_goes_on_while_a_page_waits_for_it_and_however_many_are_drawn(pool, monkeypatch):
    monkeypatch.setattr(background_jobs, "PAGES", pages := DrawnPages())
    monkeypatch.setattr(background_jobs, "COURTESY", 60)
    with pages.drawing():
        with pages.waiting():
            assert Job(lambda report: report(1, 2, 0.0), pool).future.result(10)
        monkeypatch.setattr(background_jobs, "COURTESY", 0.01)
        assert Job(lambda report: report(1, 2, 0.0), pool).future.result(10)


def test_a_page_that_fails_is_drawn_no_longer(monkeypatch):
    monkeypatch.setattr(background_jobs, "COURTESY", 60)
    pages = DrawnPages()
    with pytest.raises(ValueError), pages.drawing():
        raise ValueError
    start = time.monotonic()
    pages.pass_by()
    assert time.monotonic() - start < background_jobs.COURTESY / 2


def test_work_aside_leaves_a_browser_the_time_to_paint_a_page_that_was_sent(monkeypatch):
    monkeypatch.setattr(background_jobs, "PAINTING", 0.2)
    pages = DrawnPages()
    with pages.drawing():
        sent = time.monotonic()
    pages.pass_by()
    assert time.monotonic() - sent >= 0.2
    monkeypatch.setattr(background_jobs, "COURTESY", 0)  # however many pages are painted, work goes on
    monkeypatch.setattr(background_jobs, "PAINTING", 60)
    with pages.drawing():
        pass
    pages.pass_by()
    assert time.monotonic() - sent < 30
