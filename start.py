"""Start linviz: `python3 start.py explore`, `lab`, `test`, `study`; on Linux, macOS and Windows.

The first call makes a virtual environment in `.venv` beside this file and installs into it what its command needs:
`explore` the explorer, `lab` the notebooks, `test` everything. A later command adds what is missing, or starts at
once. Standard library only, and readable by Python 3.6, so that someone with an old Python gets instructions instead
of a SyntaxError.
"""
import contextlib
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "linviz-installed"       # written last: an interrupted installation has none
LOG = ROOT / ".setup.log"
LOCK = ROOT / ".setup.lock"
OLDEST = (3, 11)
ROOM = 4 * 10**9                        # bytes: the installed packages and their downloads
PROBES = {"explorer": "streamlit", "lab": "jupyterlab", "video": "av", "models": "transformers",
          "survey": "pyarrow", "cluster": "dask", "dev": "pytest"}              # extra -> a package of it
EVERY = tuple(sorted(PROBES))
NEEDS = {                               # command -> the extras of pyproject.toml that it needs
    "explore": ("explorer", "video"), "lab": ("lab", "video"), "book": ("lab", "video"), "slides": ("lab", "video"),
    "grade": ("lab", "video"), "test": EVERY, "study": ("video",), "bench": ("video",), "read": ("video",),
    "export": ("video",), "survey": ("video", "survey", "cluster"), "train": ("video",), "doctor": (),
}

USAGE = """usage: python3 start.py COMMAND [ARGUMENTS]

  explore   the explorer, in your browser            (--port 8600, --no-browser, --lan)
  lab       the notebooks, in JupyterLab             (--no-browser)
  book      the course as pages that need no Python  (book FOLDER, --chapters 0 13, --solutions)
  slides    the course as slides, for teachers       (slides FOLDER)
  grade     learners' notebooks, with the checks     (grade submissions/ -o grades.csv)
  test      every test; arguments go to pytest       (test tests/mechanisms -k softmax)
            --quick: laws, definitions, parity and style, without a browser, in under two minutes
  study     train and measure for the evidence        (study evidence)
  bench     speed and memory beside other libraries   (bench --list, bench spectrum --quick)
  read      attention on your own file, as numbers   (read holiday.mp4 --out numbers.csv)
  export    a page, picture, film or saved view      (export holiday.mp4 --out view.html)
  survey    many clips into one table, on one computer or many (survey videos/ --mechanism softmax linear)
  train     video transformers, a minute or two each (train --mechanism relu_floor+gate)
  doctor    check that everything is installed, in the right version

The first command installs what it needs into .venv; a later one adds what it needs more.
"""

CAUSES = (  # the end of a log -> the cause and the remedy
    (r"No space left|Errno 28|not enough space|WinError 112",
     "the disk is full: free about 4 GB (or set TMPDIR to a folder with more space) and run the same command again"),
    (r"CERTIFICATE_VERIFY_FAILED|SSLError",
     "the package server's certificate is not trusted here: give your network's certificate to pip "
     "(`pip config set global.cert FILE`) and run the same command again"),
    (r"Temporary failure in name|Name or service not known|nodename nor servname|getaddrinfo failed|ProxyError"
     r"|Temporary failure resolving|Could not resolve|Failed to establish|NewConnectionError|timed out|unreachable"
     r"|Connection(Refused|Reset|Timeout)|ReadTimeout|EAI_AGAIN|ENOTFOUND",
     "no server could be reached: check the network (or the proxy) and run the same command again"),
    (r"IncompleteRead|ProtocolError|Connection broken|DO NOT MATCH THE HASHES|BadZipFile",
     "a download was cut off: run the same command again"),
    (r"No matching distribution found for (?P<what>\S+)",
     "there is no build of {what} for {here}: use a 64-bit Python 3.11 to 3.13 on Linux, Windows or an Apple-silicon "
     "Mac"),
    (r"ResolutionImpossible|conflicting dependencies",
     "constraints.txt and pyproject.toml contradict each other: take both from the same version of linviz"),
    (r"ensurepip is not available|No module named '?(venv|ensurepip)",
     "this Python cannot make virtual environments: install the missing part (Debian, Ubuntu: "
     "`apt install python3-venv`) and run the same command again"),
    (r"Permission denied|WinError 5\b|Read-only file system|are you root",
     "writing is not permitted: put linviz in a folder of your own, and always start it as the same user"),
    (r"WinError 206|Long Path",
     "the folder's name is too long for Windows: put linviz in a shorter one, like C:\\linviz"),
    (r"Killed|MemoryError",
     "there is not enough memory: close other programs and run the same command again"),
)


class Stop(Exception):
    """A step failed; the message is one sentence that says what to do."""


def say(text):
    """Print at once, even if the output goes to a file."""
    print(text, flush=True)


# ---------------------------------------------------------------- steps that may fail


def cause(output):
    """The cause of a failure with this output, and the remedy. Only the end counts: pip recovers from some failures."""
    output = output[-6000:]
    for pattern, remedy in CAUSES:
        found = re.search(pattern, output)
        if found:
            here = "Python %d.%d on %s %s" % (sys.version_info[:2] + (platform.system(), platform.machine()))
            return remedy.format(here=here, **found.groupdict())
    return "the cause is unknown; see the last lines of the log"


def attempt(what, command, **environment):
    """Run one step with its output in LOG, and the last line on a terminal; raise Stop if the step fails."""
    variables = dict(os.environ, PIP_USER="0", PYTHONIOENCODING="utf-8", **environment)
    variables.pop("PYTHONHOME", None)
    with LOG.open("a", encoding="utf-8") as log:
        log.write("\n$ %s\n" % " ".join(map(str, command)))
        output = []
        with subprocess.Popen(list(map(str, command)), cwd=str(ROOT), env=variables, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as step:
            for raw in step.stdout:
                output.append(raw.decode("utf-8", "replace"))
                log.write(output[-1])
                show(output[-1])
    show("")
    if step.returncode == -9:           # the system kills it for lack of memory, without a message
        output.append("Killed")
    if step.returncode:
        raise Stop("%s failed: %s (the log: %s)." % (what, cause("".join(output)), LOG))


def show(line):
    """Overwrite the terminal's last line; print nothing to a file or a pipe."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns - 3
        sys.stdout.write("\r  %s\r" % line.strip()[:width].ljust(width))
        sys.stdout.flush()


def runs(command):
    """Whether a command runs and succeeds; its output is discarded."""
    try:
        return subprocess.call(list(map(str, command)), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


# ---------------------------------------------------------------- the environment


def wanted():
    """Fingerprint of the environment's definition: its folder and both lists of packages."""
    parts = [str(ROOT)] + [(ROOT / name).read_text("utf-8") for name in ("pyproject.toml", "constraints.txt")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def installed():
    """The fingerprint that was installed last, and its extras; a stamp that names none is an older one, of all."""
    if not STAMP.is_file():
        return "", ()
    lines = STAMP.read_text().splitlines() or [""]
    return lines[0], tuple(lines[1].split()) if len(lines) > 1 else EVERY


def ready(extras=EVERY):
    """Whether .venv has these extras, follows the current lists, and works (its Python may have been upgraded)."""
    stamp, there = installed()
    if stamp != wanted() or not set(extras) <= set(there):
        return False
    names = ("linviz", "torch") + tuple(PROBES[extra] for extra in extras)
    return runs([PYTHON, "-I", "-c", "from importlib.util import find_spec as f; assert all(map(f, %r))" % (names,)])


def prepare(extras=EVERY):
    """Make .venv and install linviz with these extras, unless that is done; what was installed before stays.

    Safe to stop at any time, and to run twice at once.
    """
    if ready(extras):
        return
    with alone():
        if ready(extras):               # the other process has installed it meanwhile
            return
        begun = time.time()
        first = not STAMP.exists()
        maker = None if usable(PYTHON) else base_python()
        stamp, there = installed()
        extras = sorted(set(extras) | set(there))
        announce(first, extras, changed=stamp != wanted())
        LOG.write_text("")
        if not first:
            STAMP.unlink()
        if maker:
            attempt("Making .venv", [maker, "-m", "venv", "--clear", VENV])
        attempt("Installing linviz", [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
                                      "-c", "constraints.txt", "-e", ".[%s]" % ",".join(extras) if extras else "."])
        STAMP.write_text("%s\n%s\n" % (wanted(), " ".join(extras)))
        say("Installed in %.0f s." % (time.time() - begun))


def announce(first, extras, changed):
    """Say what will happen, and refuse at once if the disk has too little space."""
    if not first:
        say("The packages that linviz needs have changed: updating .venv takes about a minute." if changed else
            "This command needs more packages than those in .venv: adding them takes about a minute.")
        return
    free = shutil.disk_usage(str(ROOT)).free
    if free < ROOM:
        raise Stop("the disk has %.1f GB free, and the first start needs about %.0f: free some space and run the same "
                   "command again." % (free / 1e9, ROOM / 1e9))
    size = "2.5" if "dev" in extras else "2"
    say("First start: installing into %s. This takes about %s GB and some minutes." % (VENV, size))
    if sys.platform == "linux":
        say("(If pip installs torch with its CUDA libraries, it takes some GB more.)")


@contextlib.contextmanager
def alone():
    """Hold the only lock; the system frees the lock when its process ends, however it ends."""
    try:
        handle = LOCK.open("w")
    except OSError:
        raise Stop("cannot write in %s: put linviz in a folder of your own." % ROOT) from None
    with handle:
        if not lock(handle):
            say("Another process is installing linviz; waiting for it.")
            while not lock(handle):
                time.sleep(0.5)
        yield


def lock(handle):
    """Whether the lock is ours now. On file systems without locks, it always is."""
    try:
        if os.name == "nt":
            import msvcrt
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass
    return True


def usable(python):
    """Whether packages can be installed into an environment: its Python exists, is new enough, and its pip starts."""
    return runs([python, "-I", "-c", "import sys, pip; assert sys.version_info >= %r" % (OLDEST,)])


def base_python():
    """The Python that runs this file, or a newer one on the PATH if this one is too old."""
    if sys.version_info[:2] >= OLDEST:
        return sys.executable
    for name in ("python3.13", "python3.12", "python3.11", "python3.14"):
        found = shutil.which(name)
        if found and runs([found, "-c", "import venv, ensurepip"]):
            return found
    raise Stop("linviz needs Python 3.11 or newer, and this is %s: install one (from python.org, or "
               "`apt install python3.12-venv`, or `brew install python@3.12`) and run the same command again."
               % platform.python_version())


# ---------------------------------------------------------------- a browser for the tests


def find_browser():
    """Path of a Chromium or Chrome that runs, or None: from LINVIZ_CHROMIUM, the PATH, or the usual places."""
    named = os.environ.get("LINVIZ_CHROMIUM")
    if named:
        if not is_browser(named):
            raise Stop("LINVIZ_CHROMIUM is %r, which does not run: set it to a Chromium or Chrome, or unset it."
                       % named)
        return named
    return next((str(path) for path in browsers_of_the_system() + browsers_of_playwright() if is_browser(path)), None)


def is_browser(path):
    """Whether the file exists and, on Linux, runs: a package there may be only a stub, or lack a library."""
    return Path(path).is_file() and (sys.platform != "linux" or runs([path, "--version"]))


def browsers_of_the_system():
    """Possible paths of Chromium and Chrome: on the PATH, and in the usual places of macOS and Windows."""
    names = ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser", "chrome")
    usual = ["/Applications/%s.app/Contents/MacOS/%s" % (name, name) for name in ("Google Chrome", "Chromium")]
    folders = [os.environ.get(name) for name in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")]
    usual += [Path(folder, "Google/Chrome/Application/chrome.exe") for folder in folders if folder]
    return [path for path in map(shutil.which, names) if path] + usual


def browsers_of_playwright():
    """The builds that `playwright install chromium` has downloaded, newest first."""
    default = {"darwin": "Library/Caches", "win32": "AppData/Local"}.get(sys.platform, ".cache")
    folder = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / default / "ms-playwright")
    inside = ("chrome-linux*/chrome", "chrome-mac*/*.app/Contents/MacOS/*", "chrome-win*/chrome.exe")
    return sorted((p for pattern in inside for p in folder.glob("chromium-*/" + pattern)), reverse=True)


def install_browser():
    """Install Chromium and return its path: as root on Debian its package, else Playwright's download."""
    say("No Chromium or Chrome found: installing one for the tests.")
    try:
        if may_use_apt():
            quiet = {"DEBIAN_FRONTEND": "noninteractive"}
            attempt("apt-get update", ["apt-get", "update"], **quiet)
            attempt("apt-get install chromium", ["apt-get", "install", "-y", "--no-install-recommends", "chromium",
                                                 "fonts-dejavu-core"], **quiet)
        else:
            root = sys.platform == "linux" and os.geteuid() == 0        # then also the libraries it needs
            attempt("Downloading Chromium", [PYTHON, "-m", "playwright", "install", "chromium"]
                    + ["--with-deps"] * root)
    except Stop as stop:
        raise Stop("%s, or install Chromium or Google Chrome by hand." % str(stop)[:-1]) from None
    found = find_browser()
    if not found:
        raise Stop("the Chromium just installed does not run: install Chromium or Google Chrome by hand (the log: %s)."
                   % LOG)
    return found


def may_use_apt():
    """Whether this is Debian, as root: its package is a browser (Ubuntu's package only points to another store)."""
    release = Path("/etc/os-release")
    return (sys.platform == "linux" and os.geteuid() == 0 and shutil.which("apt-get") is not None
            and release.is_file() and re.search(r"^ID=\"?debian\b", release.read_text(), re.M) is not None)


# ---------------------------------------------------------------- the commands


def hand_over(module, arguments, **environment):
    """Become `python -m module arguments` in .venv, so that only that program gets Ctrl-C and signals."""
    if os.name == "nt":                     # exec would return to the terminal at once there
        return see_through(module, arguments, **environment)
    command, variables = called(module, arguments, environment)
    os.execve(command[0], command, variables)


def see_through(module, arguments, **environment):
    """Run `python -m module arguments` in .venv, leaving Ctrl-C to it; return its exit status."""
    command, variables = called(module, arguments, environment)
    with subprocess.Popen(command, env=variables) as process:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return process.wait()


def called(module, arguments, environment):
    """The command and the environment of `python -m module arguments` in .venv."""
    variables = dict(os.environ, **environment)
    variables.pop("PYTHONHOME", None)
    return [str(PYTHON), "-m", module] + list(arguments), variables


def test(arguments):
    """Run pytest, each process on one thread, with a browser; the whole suite on two cores, what asserts a time last.

    Whole, it runs twice: first in two processes, then, with the machine to itself, what asserts a time.
    """
    if "--quick" in arguments:
        return quick([argument for argument in arguments if argument != "--quick"])
    browser = find_browser() or install_browser()
    os.chdir(str(ROOT))
    variables = {"LINVIZ_CHROMIUM": browser, "OMP_NUM_THREADS": "1"}
    if arguments or (os.cpu_count() or 1) == 1:         # a part of it is sooner there in one
        return hand_over("pytest", arguments, **variables)
    many = ["-m", "not budget", "-n", "2", "--dist", "loadgroup", "--no-loadscope-reorder"]
    code = see_through("pytest", many, **variables)
    return code if code not in (0, 1) else max(code, see_through("pytest", ["-m", "budget"], **variables))


QUICK = ["tests/test_style.py", "tests/test_layers.py", "tests/test_laws.py", "tests/mechanisms", "tests/test_pages.py",
         "tests/parity"]       # the longest single test, mypy, stands in the first of these


def quick(arguments):
    """Run what a change of a mechanism or a map is held to first: the laws, the definitions, parity and style."""
    os.chdir(str(ROOT))
    two = ["-n", "2", "--dist", "worksteal"] if (os.cpu_count() or 1) > 1 else []
    return hand_over("pytest", QUICK + two + arguments, OMP_NUM_THREADS="1")


def study(arguments):
    """Run a study: training, measurements, and the page with the results."""
    os.chdir(str(ROOT))
    return hand_over("studies", arguments, OMP_NUM_THREADS="1")


def bench(arguments):
    """Measure speed and memory; `--threads` is an option of the benchmarks, which start with one thread."""
    os.chdir(str(ROOT))
    return hand_over("benchmarks", arguments, OMP_NUM_THREADS="1")


def book(arguments, module="notebooks.book"):
    """Write the course as pages that need no server and no Python."""
    folder = [a if a.startswith("-") or a.isdigit() else str(Path(a).resolve()) for a in arguments]
    os.chdir(str(ROOT))
    return hand_over(module, folder)


def slides(arguments):
    """Write the slides, one page per chapter."""
    return book(arguments, "teaching.slides")


def main(arguments):
    """Prepare the environment, then run the command; return the exit status."""
    command, rest = (arguments or [""])[0], arguments[1:]
    if command not in NEEDS:
        say(USAGE if command in ("", "-h", "--help", "help") else "There is no command %r.\n\n%s" % (command, USAGE))
        return 0 if command in ("-h", "--help", "help") else 2
    try:
        prepare(NEEDS[command])
        own = {"test": test, "study": study, "bench": bench, "book": book, "slides": slides}.get(command)
        return own(rest) if own else hand_over("linviz", [command] + rest)
    except Stop as stop:
        print("linviz: %s" % stop, file=sys.stderr)
    except OSError as error:
        print("linviz: %s: clone linviz completely, into a folder of your own with 4 GB free." % error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped. The same command continues where it stopped.", file=sys.stderr)
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
