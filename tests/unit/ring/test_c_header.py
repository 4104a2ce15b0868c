"""camgraph_ring.h: each offset and number in it is the one that Python has; it reads what Python writes."""

import errno
import os
import re
import select
import signal
import socket
import struct
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from uuid import uuid4

import pytest
from tests.c_compiler import Language, compile_program

from camgraph.base.descriptors import site_address
from camgraph.base.pixels import ITEM_FORMATS, PIXEL_FORMATS, format_code
from camgraph.ring import layout, protocol
from camgraph.ring.protocol import FrameNotice, Hello, Refused, Ring, RingRequest
from camgraph.ring.writer import FrameMeta
from camgraph.testing.waiting import wait_until

if TYPE_CHECKING:
    from tests.unit.ring.conftest import Site

LANGUAGES: tuple[Language, ...] = get_args(Language)
PROGRAM = Path(__file__).parents[2] / "ring_reader.c"

OFFSETS = {
    "cg_ring_header": (layout.__doc__, "ring header, at 0"),
    "cg_ring_slot_header": (layout.__doc__, "slot header i, at"),
}
DATAGRAMS: dict[str, Ring | FrameNotice | Refused] = {
    "cg_ring_grant": Ring(7, 8, 3, 256, 1 << 40, 1 << 41, 1 << 42, bytes(range(16))),
    "cg_ring_notice": FrameNotice(5, 8, 1 << 43),
    "cg_ring_refusal": Refused("no such stream"),
}
HELLO = Hello(RingRequest("tür", "bgr24", 640, 360, 12.5, (1, 2, 3, 4)), 9)


def constants() -> dict[str, int]:
    """Name in C → the number Python has."""
    return {
        "CG_RING_VERSION": layout.VERSION,
        "CG_RING_KNOWN_FEATURES": layout.KNOWN_FEATURES,
        "CG_RING_TOUCHED_OFFSET": layout.TOUCHED_OFFSET,
        "CG_RING_NEWEST_OFFSET": layout.NEWEST_OFFSET,
        "CG_RING_NEWEST_SLOT_BITS": layout.NEWEST_SLOT_BITS,
        "CG_RING_NO_PTS": layout.NO_PTS,
        "CG_RING_KEYFRAME": layout.KEYFRAME,
        "CG_RING_CORRUPT": layout.CORRUPT,
        "CG_RING_INTERLACED": layout.INTERLACED,
        "CG_RING_PROTOCOL_VERSION": protocol.VERSION,
        "CG_RING_MAX_DATAGRAM_BYTES": protocol.MAX_DATAGRAM_BYTES,
        "CG_RING_MAX_LEASES": protocol.MAX_LEASES,
        "CG_RING_FRAME": protocol.FRAME_KIND,
        **{f"CG_RING_QUALITY_{name.upper()}": code for name, code in layout.QUALITY_CODES.items()},
        **{f"CG_RING_RANGE_{name.upper()}": code for name, code in layout.RANGE_CODES.items()},
        **{f"CG_RING_MATRIX_{name.upper()}": code for name, code in layout.MATRIX_CODES.items()},
        **{f"CG_RING_{name.upper()}": format_code(name) for name in (*PIXEL_FORMATS, *ITEM_FORMATS)},
    }


def told(struct_name: str) -> dict[str, tuple[int, int]]:
    """Field → (offset, bytes of one), as the module's description tells them."""
    text, section = OFFSETS[struct_name]
    lines = (text or "").partition(section)[2].partition("\n\n")[0]
    found = re.findall(r"(\d+) [ui](8|16|32|64) (\w+)", lines)
    # `newest` and `touched` have places of their own, constants in C.
    return {name: (int(at), int(bits) // 8) for at, bits, name in found if name not in ("newest", "touched")}


@pytest.fixture(scope="module", params=LANGUAGES)
def answers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a program that includes the header says, by name."""
    asked = [f'printf("{name} %lld\\n", (long long){name});' for name in constants()]
    asked += [
        f'printf("{kind}.{field} %zu\\n", offsetof({kind}, {field}));'
        for kind in OFFSETS
        for field in told(kind)
    ]
    asked += [f'printf("sizeof.{kind} %zu\\n", sizeof({kind}));' for kind in (*OFFSETS, *DATAGRAMS)]
    for kind, datagram in DATAGRAMS.items():
        data = datagram.encode()
        asked.append(f"{{ static const unsigned char data[] = {{{','.join(map(str, data))}}}; {kind} it;")
        asked.append("memcpy(&it, data, sizeof it);")
        fields = ["kind", *(field for field in getattr(datagram, "_fields", ()) or _slots(datagram))]
        asked += [
            f'printf("{kind}.{field}.value %llu\\n", (unsigned long long)it.{field});'
            for field in fields
            if field not in ("uuid", "reason")
        ]
        asked.append("}")
    wanted = HELLO.request
    asked += [
        f'cg_ring_request r = cg_ring_request_for("{wanted.stream}");',
        "unsigned char hello[CG_RING_MAX_DATAGRAM_BYTES]; size_t size, i;",
        f"r.format = CG_RING_BGR24; r.width = {wanted.width}; r.height = {wanted.height};",
        f"r.fps = {wanted.fps}; r.leases = {HELLO.leases};",
        *(f"r.roi[{i}] = {side};" for i, side in enumerate(wanted.roi)),
        'size = cg_ring__greet(&r, hello); printf("hello ");',
        'for (i = 0; i < size; i++) printf("%02x", hello[i]);',
        'printf("\\nmagic %s\\n", CG_RING_MAGIC);',
    ]
    directory = tmp_path_factory.mktemp("header")
    source = directory / "told.c"
    body = "\n".join(asked)
    source.write_text(f'#include "camgraph_ring.h"\nint main(void) {{\n{body}\nreturn 0;\n}}\n')
    program = compile_program(source, directory / "told", request.param)
    said = subprocess.run([program], capture_output=True, text=True, timeout=10, check=True).stdout
    return dict(line.split(" ", 1) for line in said.splitlines())


def _slots(datagram: object) -> tuple[str, ...]:
    return tuple(getattr(type(datagram), "__slots__", ()))


def test_every_offset_is_the_one_that_python_tells(answers: dict[str, str]) -> None:
    for kind in OFFSETS:
        for field, (offset, _) in told(kind).items():
            assert int(answers[f"{kind}.{field}"]) == offset, f"{kind}.{field}"
    assert int(answers["sizeof.cg_ring_slot_header"]) == layout.SLOT_HEADER.size
    assert int(answers["sizeof.cg_ring_header"]) == max(at for at, _ in told("cg_ring_header").values()) + 16
    assert set(layout.SlotHeader._fields) <= {
        field if not field.startswith("plane_") else f"{field}_{i}"
        for field in told("cg_ring_slot_header")
        for i in range(4)
    }


def test_every_number_is_pythons(answers: dict[str, str]) -> None:
    for name, number in constants().items():
        assert int(answers[name]) == number, name
    assert answers["magic"].encode() == layout.MAGIC


def test_every_datagram_is_read_and_written_as_python_does(answers: dict[str, str]) -> None:
    assert bytes.fromhex(answers["hello"]) == HELLO.encode()
    assert Hello.decode(bytes.fromhex(answers["hello"])) == HELLO
    for kind, datagram in DATAGRAMS.items():
        data = datagram.encode()
        assert int(answers[f"{kind}.kind.value"]) == struct.unpack_from("<I", data)[0]
        for field in getattr(datagram, "_fields", ()) or _slots(datagram):
            if field not in ("uuid", "reason"):
                assert int(answers[f"{kind}.{field}.value"]) == getattr(datagram, field), f"{kind}.{field}"
    assert len(DATAGRAMS["cg_ring_grant"].encode()) == int(answers["sizeof.cg_ring_grant"])
    assert int(answers["sizeof.cg_ring_notice"]) == protocol.FRAME_BYTES


class Native:
    """The program in C, and the door at which it asks: what comes there is served by the test's site."""

    def __init__(self, program: Path, site: "Site") -> None:
        self._program, self._site = program, site
        self._name = f"native-{uuid4().hex[:8]}"
        self._door: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._door.bind(site_address(self._name))
        self._door.listen()
        self._door.settimeout(10)
        self._popen: subprocess.Popen[bytes] | None = None
        self._unread = b""

    def start(self, policy: str = "every", leases: int = 3, keep: int = 0) -> None:
        command = [str(self._program), self._name, "door", policy, "0", str(leases), str(keep)]
        self._popen = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def come(self) -> None:
        """Let the program's next connection in; it waits to be served."""
        assert self._door is not None
        self._site.waiting.append(self._door.accept()[0])

    def leave(self) -> None:
        """Have nobody at the door."""
        door, self._door = self._door, None
        if door is not None:
            door.close()

    def line(self) -> list[str]:
        """Return the words of its next line."""
        assert self._popen is not None
        assert self._popen.stdout is not None
        while b"\n" not in self._unread:
            assert select.select([self._popen.stdout], [], [], 10)[0], "it says nothing"
            said = os.read(self._popen.stdout.fileno(), 65536)
            assert said, self._unread
            self._unread += said
        line, _, self._unread = self._unread.partition(b"\n")
        return line.decode().split(" ")

    def frame(self) -> dict[str, int]:
        """Return what its next line says of a frame."""
        words = self.line()
        assert words[0] == "frame", words
        names = "seq", "epoch", "generation", "pts", "format", "width", "height", "planes", "sum"
        return dict(zip(names, map(int, words[1:]), strict=True))

    def pause(self, paused: bool) -> None:
        """Stop it, or let it go on."""
        assert self._popen is not None
        self._popen.send_signal(signal.SIGSTOP if paused else signal.SIGCONT)

    def tell(self, word: str) -> None:
        assert self._popen is not None
        assert self._popen.stdin is not None
        self._popen.stdin.write(word.encode() + b"\n")
        self._popen.stdin.flush()

    def signal(self, number: int) -> None:
        assert self._popen is not None
        self._popen.send_signal(number)

    def ended(self) -> str:
        """Return its last words, once it has ended."""
        assert self._popen is not None
        # Its standard input stays open until it has ended by itself.
        self._popen.wait(20)
        said = (self._unread + self._popen.communicate(timeout=10)[0]).decode()
        assert self._popen.returncode == 0
        assert said.endswith("left 0 0 0\n"), said
        return said

    def close(self) -> None:
        self.leave()
        if self._popen is not None:
            self._popen.kill()
            self._popen.communicate(timeout=10)


@pytest.fixture(scope="module", params=LANGUAGES)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_program(PROGRAM, tmp_path_factory.mktemp("reader") / "reader", request.param)


@pytest.fixture
def native(program: Path, site: "Site") -> Iterator[Native]:
    native = Native(program, site)
    yield native
    native.close()


@pytest.fixture
def sum_of(site: "Site") -> Callable[[int], int]:
    return lambda number: zlib.adler32(b"".join(plane.tobytes() for plane in site.picture(number)))


def test_frames_come_in_order_and_whole_and_all_are_counted(
    native: Native, site: "Site", sum_of: Callable[[int], int]
) -> None:
    writer = site.writer(fps=100)
    native.start(leases=4, keep=3)
    native.come()
    site.serve(writer)
    for number in range(1, 21):
        site.publish(writer, number)
        frame = native.frame()
        assert (frame["seq"], frame["pts"], frame["sum"]) == (number, number, sum_of(number))
    assert (frame["width"], frame["height"], frame["planes"], frame["format"]) == (32, 16, 1, 6)
    native.tell("stop")
    assert native.ended().splitlines()[0] == "count 20 0 0 0 0 3"


def test_latest_skips_and_accounts_for_every_frame(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(policy="latest")
    native.come()
    site.serve(writer)
    site.publish(writer, *range(1, 301))
    while native.frame()["seq"] < 300:
        pass
    native.tell("stop")
    received, late, behind, skipped = map(int, native.ended().split()[1:5])
    assert received + late + behind + skipped == 300


def test_every_gets_what_the_ring_still_holds_told_or_not(
    native: Native, site: "Site", sum_of: Callable[[int], int]
) -> None:
    writer = site.writer()
    native.start(policy="every")
    native.come()
    site.serve(writer)
    site.publish(writer, 1)
    assert native.frame()["seq"] == 1
    native.pause(True)
    site.publish(writer, *range(2, 301))
    native.pause(False)
    got = [native.frame()]
    while got[-1]["seq"] < 300:
        got.append(native.frame())
    held = writer.statistics().slots_touched
    assert writer.statistics().behind > held
    # The notices of these did not come: nothing but the ring tells of them.
    assert [frame["seq"] for frame in got][-(held - 1) :] == list(range(302 - held, 301))
    assert all(frame["sum"] == sum_of(frame["pts"]) for frame in got)
    native.tell("stop")
    received, late, behind, skipped = map(int, native.ended().split()[1:5])
    assert (received + late + behind, skipped) == (300, 0)


def test_it_says_so_when_it_holds_what_it_was_granted(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(leases=2, keep=9)
    native.come()
    site.serve(writer)
    site.publish(writer, 1, 2, 3)
    assert [native.frame()["seq"], native.frame()["seq"]] == [1, 2]
    assert f"error {errno.ENOBUFS} 2 frames are held, as many as were granted" in native.ended()


def test_another_geometry_is_another_generation_and_held_frames_stay(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(keep=2)
    native.come()
    site.serve(writer)
    site.publish(writer, 1, 2)
    first = native.frame()
    native.frame()
    writer.reshape("gray8", 16, 8)
    writer.publish(site.picture(3, width=16, height=8), FrameMeta(pts=3))
    frame = native.frame()
    assert frame["generation"] > first["generation"]
    assert (frame["seq"], frame["width"], frame["height"]) == (3, 16, 8)
    native.tell("stop")
    assert native.ended().splitlines()[0] == "count 3 0 0 0 0 2"


def test_it_connects_again_and_goes_on_with_another_epoch(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(keep=2)
    native.come()
    site.serve(writer)
    site.publish(writer, 1, 2)
    assert [native.frame()["epoch"], native.frame()["epoch"]] == [1, 1]
    writer.close()
    for _ in range(4):
        # Ended without a word: made again, later each time.
        native.come()
        site.drop_waiting()
    native.come()
    again = site.writer(epoch=2)
    site.serve(again)
    site.publish(again, 1)
    assert native.frame()["epoch"] == 2
    native.tell("stop")
    assert native.ended().splitlines()[0] == "count 3 0 0 0 5 2"


def test_a_refusal_is_told_in_the_sites_words(native: Native, site: "Site") -> None:
    native.start()
    native.come()
    protocol.refuse(site.waiting.popleft(), "stream 'door' is locked: zugesperrt für heute")
    assert f"error {errno.EPERM} stream 'door' is locked: zugesperrt für heute\n" in native.ended()


@pytest.mark.parametrize("garbage", [b"\x09\0\0\0", b"\x02\0\0\0", b"\x02\0\0\0" + bytes(60), b"x"])
def test_garbage_is_refused(native: Native, site: "Site", garbage: bytes) -> None:
    native.start()
    native.come()
    with site.waiting.popleft() as sock:
        sock.send(garbage)
        assert re.search(
            rf"^error {errno.EPROTO} .*(damaged|unknown kind|without its descriptors)", native.ended(), re.M
        )


def test_a_site_that_has_ended_is_told(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start()
    native.come()
    site.serve(writer)
    site.publish(writer, 1)
    native.frame()
    native.leave()
    writer.close()
    assert f"error {errno.ECONNREFUSED} no site named 'native-" in native.ended()


def test_a_site_that_is_not_there_is_told(native: Native) -> None:
    native.leave()
    native.start()
    assert f"error {errno.ECONNREFUSED} no site named 'native-" in native.ended()


def test_a_forked_child_neither_reads_nor_ends_its_parents_leases(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(keep=2)
    native.come()
    site.serve(writer)
    site.publish(writer, 1, 2)
    native.frame()
    native.frame()
    native.tell("fork")
    assert native.line() == ["forked", str(errno.ECHILD)]
    # Standing still it can only keep the two by its locks; it compares them in the end.
    native.signal(signal.SIGSTOP)
    site.publish(writer, *range(3, 40))
    native.signal(signal.SIGCONT)
    native.tell("stop")
    native.ended()


def test_a_killed_program_leaves_its_slots_to_the_writer(native: Native, site: "Site") -> None:
    writer = site.writer()
    native.start(keep=2)
    native.come()
    site.serve(writer)
    site.publish(writer, 1, 2)
    native.frame()
    native.frame()
    native.close()
    wait_until(lambda: site.publish(writer, 3) and writer.statistics().readers == 0, 5, "the reader gone")
