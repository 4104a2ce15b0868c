"""Starting our own processes by exec, and learning that one has ended."""

import ctypes
import fcntl
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from camgraph.base.errors import CannotStart
from camgraph.base.frozen import arguments_of, is_frozen, is_supported
from camgraph.base.parking import no_fork
from camgraph.base.withheld import without_withheld

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)
_ROOT = Path(__file__).resolve().parents[2]


def start_module(
    module: str,
    arguments: Sequence[str] = (),
    *,
    descriptors: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    stdin: int = subprocess.DEVNULL,
    stdout: int | None = None,
    hold_signals: bool = False,
    ends_with_us: bool = False,
) -> subprocess.Popen[bytes]:
    """Start ``python -m module`` by exec; from any thread, whatever this process has loaded.

    A frozen program starts itself again instead, to run the module (see `frozen`). Raises CannotStart where
    there is nothing that could run it, OSError where it can't be started.

    The child inherits exactly `descriptors`, under the same numbers, and the standard output streams; its
    standard input is empty. `stdin` and `stdout` are as for `subprocess.Popen`. The working
    directory is not on its path, so that a file of the user's can't shadow a module of the library's.
    With `hold_signals` a SIGTERM, or a terminal's SIGINT, that comes while it starts waits until it can deal
    with it: for `signals.end_on_sigterm`. With `ends_with_us` the kernel kills it when this thread ends, from
    the first moment on: else one that is stopped before it comes to `end_with_parent` would stay. Only for a
    process of one thread, since code runs between fork and exec.
    """
    command = [*_interpreter(module), *arguments]
    env = _environment_for(os.environ if environment is None else environment)
    held = {signal.SIGINT, signal.SIGTERM} if hold_signals else ()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        # A child forked meanwhile would have the pipe by which Popen learns that the exec was done.
        with no_fork():
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                pass_fds=tuple(descriptors),
                env=env,
                preexec_fn=_be_killed_with_parent if ends_with_us else None,
            )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _interpreter(module: str) -> list[str]:
    if not sys.executable:
        raise CannotStart(
            "there is no Python to start a process with: sys.executable is empty, as it is where Python is "
            "embedded in another program; before the site is started, set it to the path of a Python "
            f"{sys.version_info[0]}.{sys.version_info[1]} that has camgraph"
        )
    if not is_frozen():
        return [sys.executable, "-P", *(["-s"] if sys.flags.no_user_site else []), "-m", module]
    if not is_supported():
        raise CannotStart(
            "a frozen program runs camgraph's processes itself: call camgraph.freeze_support() first in its "
            "main file, before anything else is done there"
        )
    return [sys.executable, *arguments_of(module)]


def _environment_for(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which our modules are found, and run as in this program; without logins."""
    env = without_withheld(environment)
    if is_frozen():
        # With it the child would unpack a copy of its own, in a process that is not the one we started.
        env.pop("PYINSTALLER_RESET_ENVIRONMENT", None)
        return env
    if sys.flags.ignore_environment:
        env = {name: value for name, value in env.items() if not name.startswith("PYTHON")}
    # A prompt after the end would take the exit code's place.
    env.pop("PYTHONINSPECT", None)
    if str(_ROOT) not in map(os.path.realpath, _default_path()):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), env.get("PYTHONPATH")]))
    return env


def _default_path() -> list[str]:
    import site

    return [*site.getsitepackages(), *([site.getusersitepackages()] if site.ENABLE_USER_SITE else [])]


def end_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread of its parent that started it ends.

    So it is to be started by a thread that lasts as long as the child is wanted.
    """
    _be_killed_with_parent()
    if os.getppid() != parent_pid:
        os._exit(1)


def end_with_pipe(read_fd: int) -> None:
    """Have the kernel kill this process when nobody has the write end of a pipe any more.

    Whatever it does then. Any thread may have forked it: the end of the process counts, unlike with
    `end_with_parent`.
    """
    fcntl.fcntl(read_fd, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(read_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(read_fd, fcntl.F_SETFL, fcntl.fcntl(read_fd, fcntl.F_GETFL) | os.O_ASYNC)
    poll = select.poll()
    poll.register(read_fd, 0)
    if poll.poll(0):
        # It was gone before.
        os._exit(1)


def _be_killed_with_parent() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def describe_exit(returncode: int) -> str:
    """Return a phrase for an exit status as `subprocess` gives it: ``exit code 3``, ``signal SIGKILL``."""
    if returncode >= 0:
        return f"exit code {returncode}"
    try:
        return f"signal {signal.Signals(-returncode).name}"
    except ValueError:
        return f"signal {-returncode}"
