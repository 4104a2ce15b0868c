"""Back ends started by programs of every kind: each answers, and nothing of the program runs twice."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from textwrap import dedent

import pytest

import camgraph

NOTEBOOK = Path(__file__).with_name("notebook_program.py")
PACKAGES = Path(pytest.__file__).parents[1]
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"

# Blocks end with an empty line and have none inside, so that it can be typed into a console as well.
DOUBLER = """\
import dataclasses, os, sys
import camgraph as cg

with open(os.environ["RUNS"], "a") as file:
    print("runs", file=file)

@dataclasses.dataclass
class Number:
    value: int

class Doubler(cg.MessageProcess):
    doubled = cg.message(number=Number, pid=int)
    @cg.backend
    def double(self, value: int) -> None:
        import os
        self.doubled.emit(Number(2 * value), os.getpid())

"""
ASK = """\
def ask(doubler, value=21):
    messages = doubler.messages(20)
    doubler.double(value)
    name, fields = next(messages)
    print(name, fields["number"] == Number(2 * value), fields["pid"] == doubler.pid != os.getpid())

"""
START = """\
site = cg.Graph().start()
doubler = site.spawn(Doubler)
ask(doubler)
site.close()
print(doubler.exit)
"""
PROGRAM = DOUBLER + ASK + START
ANSWERED = "doubled True True\nexit code 0\n"


class Program:
    """Runs a program in a folder of its own, where it leaves a line for each time it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runs = folder / "runs"

    def write(self, text: str, name: str = "program.py") -> str:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text))
        return str(path)

    def run(
        self, *command: str, given: str | None = None, python: str = sys.executable, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [python, *command],
            input=given,
            stdin=subprocess.DEVNULL if given is None else None,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "RUNS": str(self.runs)} | environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=50,
        )


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


@pytest.mark.parametrize("way", ["script", "option", "standard input", "module", "console", "code.interact"])
def test_an_unguarded_program_runs_once(program: Program, way: str) -> None:
    match way:
        case "script":
            done = program.run(program.write(PROGRAM))
        case "option":
            done = program.run("-c", PROGRAM)
        case "standard input":
            done = program.run("-", given=PROGRAM)
        case "module":
            program.write("", "package/__init__.py")
            program.write(PROGRAM, "package/module.py")
            done = program.run("-m", "package.module")
        case "console":
            done = program.run("-i", "-q", given=PROGRAM)
        case "code.interact":
            done = program.run("-c", "import code; code.interact('', exitmsg='')", given=PROGRAM)
    assert done.stdout.replace(">>> ", "").replace("... ", "") == ANSWERED, done.stderr
    assert "Traceback" not in done.stderr
    assert program.runs.read_text() == "runs\n"


def test_a_notebook_cell_starts_a_back_end(program: Program) -> None:
    cells = program.write(PROGRAM, "cells")
    own = {"IPYTHONDIR": str(program.folder), "JUPYTER_RUNTIME_DIR": str(program.folder)}
    done = program.run(str(NOTEBOOK), cells, **own)
    assert done.stdout == ANSWERED, done.stderr
    assert program.runs.read_text() == "runs\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_program_without_standard_streams_is_answered(program: Program, closed: str) -> None:
    said = program.folder / "said"
    path = program.write(DOUBLER + ASK + f"sys.stdout = open({str(said)!r}, 'w')\n" + START)
    command = f'exec "{sys.executable}" "{path}" {closed}'
    environment = os.environ | {"RUNS": str(program.runs)}
    assert subprocess.run(["sh", "-c", command], env=environment, timeout=50).returncode == 0
    assert said.read_text() == ANSWERED


THREADS = """
import threading
from camgraph.testing.waiting import wait_until

def in_a_thread_that_ends(function):
    results, numbers = [], []
    def work():
        numbers.append(threading.get_native_id())
        results.append(function())
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    wait_until(lambda: not os.path.exists(f"/proc/self/task/{numbers[0]}"), 5, "the end of the thread")
    return results[0]

site = in_a_thread_that_ends(lambda: cg.Graph().start())
doubler = in_a_thread_that_ends(lambda: site.spawn(Doubler))
ask(doubler)
in_a_thread_that_ends(lambda: ask(doubler, 4))
in_a_thread_that_ends(site.close)
print(doubler.exit)
"""


def test_a_back_end_outlives_the_threads_that_started_it(program: Program) -> None:
    done = program.run("-c", DOUBLER + ASK + THREADS)
    assert (done.stdout, done.stderr) == ("doubled True True\ndoubled True True\nexit code 0\n", "")


USED = {
    "Qt, OpenCV and numpy": """
        import cv2, numpy as np
        from PySide6.QtWidgets import QApplication, QLabel
        app, window = QApplication([]), QLabel("here")
        window.show()
        app.processEvents()
        cv2.setNumThreads(4)
        cv2.GaussianBlur(np.zeros((1000, 1000, 3), np.uint8), (9, 9), 0)
        np.ones((800, 800)) @ np.ones((800, 800))
    """,
    "pygame": """
        import os
        os.environ |= {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy"}
        import pygame
        pygame.init()
        pygame.mixer.init()
        pygame.display.set_mode((64, 48)).fill("red")
        pygame.display.flip()
    """,
    "torch": """
        import torch
        torch.set_num_threads(4)
        torch.ones(800, 800) @ torch.ones(800, 800)
    """,
}
ANALYZER = """
import os
import camgraph as cg
class Analyzer(cg.MessageProcess):
    analyzed = cg.message(mean=float, loaded=list)
    @cg.backend
    def analyze(self, size_px: int) -> None:
        import sys
        loaded = [name for name in ("PySide6", "cv2", "pygame", "torch") if name in sys.modules]
        import cv2, numpy as np
        cv2.setNumThreads(4)
        grey = cv2.GaussianBlur(np.full((size_px, size_px), 7, np.uint8), (9, 9), 0)
        product = np.ones((size_px, size_px)) @ np.ones((size_px, size_px))
        self.analyzed.emit(float(grey.mean() + product.mean()), loaded)
if len(os.listdir("/proc/self/task")) < 3:
    print("it has no threads of its own yet")
with cg.Graph().start() as site:
    analyzer = site.spawn(Analyzer)
    messages = analyzer.messages(20)
    analyzer.analyze(500)
    print(next(messages))
"""


@pytest.mark.parametrize("used", USED)
def test_libraries_with_threads_may_be_in_use_on_both_sides(program: Program, used: str) -> None:
    if used in ("pygame", "torch") and importlib.util.find_spec(used) is None:
        pytest.skip(f"{used} is not installed")
    done = program.run("-c", dedent(USED[used]) + ANALYZER, OPENBLAS_NUM_THREADS="4")
    told = done.stdout.splitlines()[-1:]
    assert told == ["('analyzed', {'mean': 507.0, 'loaded': []})"], done.stdout + done.stderr
    assert "no threads" not in done.stdout


CLOSURE = """
def made(part):
    class Half(Doubler):
        @cg.backend
        def double(self, value: int) -> None:
            super().double(value // part)
    return Half

with cg.Graph().start() as site:
    half = site.spawn(made(2))
    messages = half.messages(20)
    half.double(42)
    print(next(messages)[1]["number"])
"""


def test_a_class_of_a_function_takes_along_what_it_encloses(program: Program) -> None:
    done = program.run("-c", DOUBLER + ASK + CLOSURE)
    assert (done.stdout, done.stderr) == ("Number(value=42)\n", "")


ELSEWHERE = """
import os, sys
import camgraph as cg
sys.path.insert(0, "modules")
import multiplier
os.mkdir("elsewhere")
os.chdir("elsewhere")
with cg.Graph().start() as site:
    ten_times = site.spawn(multiplier.Multiplier)
    messages = ten_times.messages(20)
    ten_times.multiply(21)
    print(next(messages))
"""
MULTIPLIER = """
import factors
import camgraph as cg

class Multiplier(cg.MessageProcess):
    multiplied = cg.message(value=int)
    @cg.backend
    def multiply(self, value: int) -> None:
        self.multiplied.emit(value * factors.TEN)
"""


def test_modules_are_found_from_a_relative_path_after_a_change_of_folder(program: Program) -> None:
    program.write(MULTIPLIER, "modules/multiplier.py")
    program.write("TEN = 10\n", "modules/factors.py")
    done = program.run("-c", ELSEWHERE)
    assert (done.stdout, done.stderr) == ("('multiplied', {'value': 210})\n", "")


SITELESS = f"import sys; sys.path[:0] = [{str(Path(camgraph.__file__).parents[1])!r}, {str(PACKAGES)!r}]\n"


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (["-I"], {"PYTHONPATH": "shadows"}),
        (["-E"], {"PYTHONPATH": "shadows"}),
        (["-S"], {}),
        ([], {"PYTHONSAFEPATH": "1"}),
        ([], {"PYTHONINSPECT": "1"}),
        ([], {"PYTHONPATH": "nothing", "PYTHONDONTWRITEBYTECODE": "1"}),
    ],
)
def test_interpreters_with_options_are_started_from(
    program: Program, options: list[str], environment: dict[str, str]
) -> None:
    # What the program ignores, its processes ignore too.
    program.write("raise ImportError('not this one')", "shadows/selectors.py")
    head = SITELESS if options == ["-S"] else ""
    done = program.run(*options, program.write(head + PROGRAM), given="", **environment)
    assert done.stdout == ANSWERED, done.stderr
    assert "Traceback" not in done.stderr


def copy_camgraph(folder: Path) -> None:
    source = Path(camgraph.__file__).parent
    shutil.copytree(source, folder / "camgraph", ignore=shutil.ignore_patterns("__pycache__"))


def test_packages_of_the_user_do_not_come_before_the_standard_library(program: Program) -> None:
    base = program.folder / "user"
    packages = base / "lib" / f"python{VERSION}" / "site-packages"
    copy_camgraph(packages)
    (packages / "selectors.py").write_text("raise ImportError('not this one')")
    # In a virtual environment the user's packages don't count; below it they do.
    path = program.write(PROGRAM + "print(cg.__file__)\n")
    interpreter: str = sys._base_executable  # type: ignore[attr-defined]
    done = program.run(path, python=interpreter, PYTHONUSERBASE=str(base), PYTHONPATH=str(PACKAGES))
    assert done.stdout == ANSWERED + f"{packages}/camgraph/__init__.py\n", done.stderr


def test_an_archive_with_camgraph_inside_starts_from_there(program: Program) -> None:
    copy_camgraph(program.folder / "app")
    program.write(PROGRAM + "print(cg.__file__)\n", "app/__main__.py")
    archive = program.folder / "app.pyz"
    zipapp.create_archive(program.folder / "app", archive)
    done = program.run(str(archive))
    assert done.stdout == ANSWERED + f"{archive}/camgraph/__init__.py\n", done.stderr


@pytest.mark.parametrize("executable", ["''", "None"])
def test_a_python_inside_another_program_is_told_what_to_set(program: Program, executable: str) -> None:
    given = f"import sys; python = sys.executable; sys.executable = {executable}\n"
    refused = "try:\n    cg.Graph().start()\nexcept cg_errors.CannotStart as error:\n    print(error)\n"
    remedied = "sys.executable = python\n"
    text = given + "import camgraph.errors as cg_errors\n" + DOUBLER + ASK + refused + remedied + START
    done = program.run("-c", text)
    reason, answer = done.stdout.split("\n", 1)
    assert "sys.executable is empty" in reason
    assert reason.endswith(f"set it to the path of a Python {VERSION} that has camgraph")
    assert (answer, done.stderr) == (ANSWERED, "")


WIDGETS = """
import socket, threading
from PySide6.QtWidgets import QApplication, QLabel, QWidget
import camgraph as cg
from camgraph.errors import CannotTravel

app, window = QApplication([]), QWidget()
class ByAttribute(cg.MessageProcess):
    window = window
class ByGlobal(cg.MessageProcess):
    def setup(self):
        window.show()
class View:
    def __init__(self):
        self.label = QLabel("here")
        self.seen = 3
class ByArgument(cg.MessageProcess):
    def __init__(self, view): ...
    @cg.backend
    def look(self, where): ...
with cg.Graph().start() as site:
    for start in (
        lambda: site.spawn(ByAttribute),
        lambda: site.spawn(ByGlobal),
        lambda: site.spawn(ByArgument, View()),
        lambda: site.spawn(ByArgument, [threading.Thread(target=lambda: window.show())]),
        lambda: site.spawn(ByArgument, window.show),
        lambda: site.spawn(ByArgument, {"lock": threading.Lock()}),
        lambda: site.spawn(ByArgument, socket.socket()),
        lambda: site.spawn(ByArgument, None).look({"at": window}),
    ):
        try:
            start()
        except CannotTravel as error:
            print(str(error).split(";")[0])
"""


def test_a_widget_that_would_have_to_travel_is_named_with_its_place(program: Program) -> None:
    done = program.run("-c", WIDGETS)
    assert done.stdout.splitlines() == [
        "ByAttribute.window: QWidget stays at the front",
        "ByGlobal.setup → window: QWidget stays at the front",
        "ByArgument.__init__(view).label: QLabel stays at the front",
        "ByArgument.__init__(view)[0]._target → window: QWidget stays at the front",
        "ByArgument.__init__(view).__self__: QWidget stays at the front",
        "ByArgument.__init__(view)['lock']: lock stays at the front",
        "ByArgument.__init__(view): socket does not go along as it is",
        "ByArgument.look(where)['at']: QWidget stays at the front",
    ], done.stderr
