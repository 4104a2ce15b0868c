"""Connecting and disconnecting, hundreds of times in one media process, leaves nothing behind."""

import re
from pathlib import Path
from statistics import mean

from tests.real.media_process import Media, numbers

from camgraph.graph.nodes import RtspSource
from camgraph.testing.cameras import Cameras
from reliability.census import holdings

CYCLES = 300
WARM_UP = 50
"""Cycles after which nothing may grow any more."""
MOST_GROWTH = 0.03


def resident(media: Media) -> int:
    """Return how much memory the process has, in kB."""
    status = Path(f"/proc/{media.process.pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])


def test_nothing_grows_with_the_number_of_connections(media: Media) -> None:
    with Cameras(count=3, size=(320, 180)) as cameras:
        tcp, udp, unread = cameras.urls
        nodes = {
            "tcp": RtspSource(id="tcp", url=tcp),
            "udp": RtspSource(id="udp", url=udp, transport="udp"),
            "unread": RtspSource(id="unread", url=unread),
        }
        media.statistics()
        before = holdings(media.process.pid)
        resident_kb = []
        for _ in range(CYCLES // len(nodes)):
            media.run(None, **nodes)
            readers = [media.read("tcp"), media.read("udp", "bgra", 160, 90)]
            for reader in readers:
                numbers(reader, 1, 8)
            media.until_state("unread", "live")
            for reader in readers:
                reader.close()
            media.run()
            # Farewells to the cameras last a moment.
            media.until(lambda: holdings(media.process.pid) <= before, what="all to be given back")
            resident_kb.append(resident(media))
        assert holdings(media.process.pid) == before
        rounds = WARM_UP // len(nodes)
        early, late = resident_kb[rounds : 2 * rounds], resident_kb[-rounds:]
        assert mean(late) <= mean(early) * (1 + MOST_GROWTH), resident_kb
