"""The benchmarks: `python3 start.py bench` runs all of them, `python3 start.py bench spectrum` one."""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from .bench_list import BENCHES

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> int:
    """List the benchmarks, install the other libraries, or run benchmarks; the exit status."""
    given = bench_parser().parse_args(arguments)
    if given.list:
        print("\n".join(bench_lines()))
        return 0
    unknown = [name for name in given.names if name not in BENCHES]
    if unknown:
        print(f"no benchmark called {unknown[0]!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    if given.peers:
        from .peer_packages import install_peers
        print("\n".join(install_peers()), flush=True)
    if given.peers and not given.names:
        return 0
    failed = [] if given.page else run_each(given.names or list(BENCHES), given)
    if not given.quick and given.threads == 1:
        from .results_page import write_page
        print(f"\nWritten: {write_page(BENCHES).relative_to(ROOT)}")
    return int(bool(failed))


def bench_parser() -> argparse.ArgumentParser:
    """The options of `bench`.

    >>> bench_parser().parse_args(["rank", "--quick"]).names
    ['rank']
    """
    parser = argparse.ArgumentParser(prog="start.py bench", description="Speed and memory, beside other libraries.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which to run; default: all, about half an hour")
    parser.add_argument("--list", action="store_true", help="list the benchmarks")
    parser.add_argument("--quick", action="store_true", help="smaller sizes and three rounds, only printed")
    parser.add_argument("--rounds", type=round_count, help="rounds of every race; default: 15, with --quick 3")
    parser.add_argument("--threads", type=round_count, default=1, help="threads of torch; default: 1, which alone is "
                        "written to the page")
    parser.add_argument("--peers", action="store_true", help="first install the other libraries into build/peers")
    parser.add_argument("--page", action="store_true", help="write the page again from the stored results")
    return parser


def round_count(text: str) -> int:
    """A whole number from 1 up."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def run_each(names: list[str], given: argparse.Namespace) -> list[str]:
    """Run benchmarks one after the other, each in a process of its own; the names of those that failed."""
    effort, rounds = ("quick", given.rounds or 3) if given.quick else ("full", given.rounds or 15)
    environment = os.environ | {"OMP_NUM_THREADS": str(given.threads)}
    failed = []
    for name in names:
        command = [sys.executable, "-m", "benchmarks.single_bench", name, effort, str(rounds), str(given.threads)]
        if subprocess.run(command, cwd=ROOT, env=environment).returncode:
            print(f"bench {name} failed", file=sys.stderr)
            failed.append(name)
    return failed


def bench_lines() -> list[str]:
    """One line per benchmark."""
    head = ["python3 start.py bench [NAME...] [OPTIONS]; --help lists the options", ""]
    return head + [f"  {name:10}{what}" for name, (_, _, what) in BENCHES.items()]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
