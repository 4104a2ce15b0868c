"""Programs that are frozen into one executable, as PyInstaller and cx_Freeze make them.

There is no interpreter beside such a program that could run our processes: started again,
it runs them itself.
"""

import runpy
import sys

_MARK = "--camgraph-process"
_OURS = "camgraph."
_supported = False


def freeze_support() -> None:
    """Let a frozen program run camgraph's processes: call it first, before the program does anything else.

    In a process that was started as one of camgraph's, it does that process's work and then exits. Everywhere
    else, unfrozen programs included, it returns at once. From any thread that runs before the first site is
    started, though a program calls it at the top of its main file::

        import camgraph as cg

        cg.freeze_support()
    """
    global _supported
    _supported = True
    if is_frozen() and sys.argv[1:2] == [_MARK] and sys.argv[2:] and sys.argv[2].startswith(_OURS):
        module = sys.argv[2]
        del sys.argv[1:3]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        sys.exit()


def is_frozen() -> bool:
    """Tell whether this program is frozen: `sys.executable` is the program, not Python."""
    return bool(getattr(sys, "frozen", False))


def is_supported() -> bool:
    """Tell whether the program has called `freeze_support`."""
    return _supported


def arguments_of(module: str) -> list[str]:
    """Return the arguments with which a frozen program runs one of our modules, to be followed by its own."""
    return [_MARK, module]
