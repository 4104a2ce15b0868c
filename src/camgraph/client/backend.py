"""The program of a back end, which brings `process` and `ring` together.

``python -m camgraph.client.backend <story fd> <channel fd> <payload fd> <watched fd> <parent pid> <site>``,
started by exec by the supervisor: of the user's program, only its import path, the class and the arguments
are here. The fourth descriptor holds, as JSON, the requests that it watches from the start; -1: none.
"""

import os
import socket
import sys
from typing import Any

from camgraph.base.children import end_with_parent
from camgraph.base.signals import end_on_sigterm
from camgraph.client.leaving import exit_soon
from camgraph.process.back import BackEnd
from camgraph.process.channel import Channel
from camgraph.process.payload import unpack
from camgraph.process.run import run_back_end
from camgraph.process.story import begin_story
from camgraph.process.watching import FrameReader


def main(story_fd: int, channel_fd: int, payload_fd: int, watched_fd: int, parent_pid: int, site: str) -> int:
    """Run the back end to its end; return its exit code. Owns all descriptors."""
    begin_story(story_fd)
    end_with_parent(parent_pid)
    sock = socket.socket(fileno=channel_fd)
    os.set_inheritable(channel_fd, False)
    payload = _content_of(payload_fd)
    watched = [] if watched_fd < 0 else _requests_of(_content_of(watched_fd))
    back = BackEnd(Channel(sock), lambda request: _open_reader(site, request))
    end_on_sigterm(back.loop, back.end_soon)
    return run_back_end(back, lambda: unpack(payload), watched)


# What follows is loaded where it is needed: without frames, a process starts in half the time.


def _open_reader(site: str, request: Any) -> FrameReader:
    from camgraph.client.requests import open_reader

    return open_reader(site, request)


def _requests_of(content: bytes) -> list[Any]:
    import msgspec

    from camgraph.graph.spec import FrameRequest

    return msgspec.json.decode(content, type=list[FrameRequest])


def _content_of(fd: int) -> bytes:
    # Read from the start: the position is shared with whoever had the descriptor before.
    with os.fdopen(fd, "rb") as file:
        file.seek(0)
        return file.read()


if __name__ == "__main__":
    story, channel, payload, watched, parent, name = sys.argv[1:]
    code = main(int(story), int(channel), int(payload), int(watched), int(parent), name)
    exit_soon(code)
    sys.exit(code)
