"""Forked children begin anew: the parent's streams are the parent's."""

import os
import sys
import traceback

import pytest
from tests.valkka.core.test_streams import Chain, playing

import camgraph as cg
from camgraph.testing.waiting import wait_until
from valkka.core import RGBShmemFrameFilter
from valkka.core.runtime import runtime

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")


def in_child(work) -> None:
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_forked_child_has_a_site_of_its_own_and_the_parent_keeps_its_own(addresses) -> None:
    ours, theirs = f"parent-{os.getpid()}", f"child-{os.getpid()}"
    with (
        cg.read(ours, policy="latest") as reader,
        playing(addresses[0], RGBShmemFrameFilter(ours, 5, 160, 90)) as chain,
    ):
        reader.read(timeout=10)
        supervisor = runtime.site.supervisor_pid

        def child() -> None:
            assert list(chain.live.playing()) == []
            # What was the parent's is stopped here, and may be stopped once more.
            chain.close()
            with cg.read(theirs) as own:
                mine = Chain(addresses[1], RGBShmemFrameFilter(theirs, 5, 160, 90))
                assert own.read(timeout=10).tag == 3
                assert runtime.site.supervisor_pid != supervisor
                mine.close()
            runtime.shut_down()

        in_child(child)
        frame = reader.read(timeout=5)
        assert frame.tag == 3
        assert runtime.site.supervisor_pid == supervisor


def test_children_that_are_forked_while_frames_come_do_not_disturb_them(addresses) -> None:
    name = f"parent-{os.getpid()}"
    with cg.read(name) as reader, playing(addresses[0], RGBShmemFrameFilter(name, 5, 160, 90)) as chain:
        reader.read(timeout=10)
        for _ in range(3):
            in_child(lambda: None)
            reader.read(timeout=1)
        chain.live.stopStreamCall(chain.context)
        wait_until(lambda: runtime.settle() and not runtime.site.spec.nodes)
