"""Control groups as the kernel shows them, in trees of files; and this machine's own, where it lets us."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.small_cgroup import SmallCgroup

from camgraph.base.cgroup import Headroom, MemoryCgroups

MB = 1 << 20
NO_LIMIT_V1 = 9223372036854771712
PLENTY = 64 << 30


class Tree:
    """A /proc and mounted hierarchies in a directory."""

    def __init__(self, path: Path) -> None:
        self.proc = path / "proc"
        (self.proc / "self").mkdir(parents=True)
        self.path = path
        self._mounts = ["22 1 0:20 / /proc rw,nosuid - proc proc rw"]
        self._cgroups: list[str] = []
        self.available(PLENTY)

    def available(self, size: int) -> None:
        (self.proc / "meminfo").write_text(f"MemTotal: 1 kB\nMemAvailable:   {size // 1024} kB\nHuge: 0\n")

    def v1(self, cgroup: str = "/", root: str = "/", name: str = "memory") -> Path:
        return self._mount(f"cgroup cgroup rw,{name}", root, f"4:{name}:{cgroup}", name)

    def v2(self, cgroup: str = "/", root: str = "/", name: str = "unified") -> Path:
        return self._mount("cgroup2 cgroup2 rw", root, f"0::{cgroup}", name)

    def _mount(self, kind: str, root: str, cgroup: str, name: str) -> Path:
        point = self.path / name
        point.mkdir(exist_ok=True)
        escaped = str(point).replace(" ", r"\040")
        self._mounts.append(f"35 31 0:32 {root} {escaped} rw,relatime shared:9 - {kind}")
        self._cgroups.append(cgroup)
        return point

    def groups(self) -> MemoryCgroups:
        (self.proc / "self/mountinfo").write_text("\n".join(self._mounts) + "\n")
        (self.proc / "self/cgroup").write_text("\n".join(dict.fromkeys(self._cgroups)) + "\n")
        return MemoryCgroups(self.proc)


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def v1_level(
    directory: Path, limit: object, usage: object, inactive: object = 0, stated: object = NO_LIMIT_V1
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "memory.limit_in_bytes").write_text(f"{limit}\n")
    (directory / "memory.usage_in_bytes").write_text(f"{usage}\n")
    (directory / "memory.stat").write_text(
        f"inactive_file 7\nhierarchical_memory_limit {stated}\ntotal_inactive_file {inactive}\n"
    )
    (directory / "memory.oom_control").write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n")


def v2_level(
    directory: Path, limit: object, usage: object, inactive: object = 0, high: object = "max"
) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "memory.max").write_text(f"{limit}\n")
    (directory / "memory.high").write_text(f"{high}\n")
    (directory / "memory.current").write_text(f"{usage}\n")
    (directory / "memory.stat").write_text(f"anon 1\ninactive_file {inactive}\n")
    (directory / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 5\noom_kill 4\noom_group_kill 0\n")


def test_version_2_counts_what_cannot_be_dropped(tree: Tree) -> None:
    v2_level(tree.v2("/a.slice/b.scope") / "a.slice/b.scope", 512 * MB, 300 * MB, inactive=100 * MB)
    groups = tree.groups()
    assert groups.limit_bytes == 512 * MB
    assert groups.used_bytes == 200 * MB
    assert groups.headroom() == Headroom(312 * MB, 512 * MB)
    assert groups.oom_kills() == 4


def test_version_1_counts_what_cannot_be_dropped(tree: Tree) -> None:
    v1_level(tree.v1("/box") / "box", 512 * MB, 300 * MB, inactive=100 * MB)
    groups = tree.groups()
    assert groups.limit_bytes == 512 * MB
    assert groups.used_bytes == 200 * MB
    assert groups.headroom() == Headroom(312 * MB, 512 * MB)
    assert groups.oom_kills() == 3


@pytest.mark.parametrize(
    ("outer_used", "bound"), [(100, Headroom(300 * MB, 512 * MB)), (900, (100 * MB, 1000 * MB))]
)
def test_the_level_with_least_left_bounds(tree: Tree, outer_used: int, bound: tuple[int, int]) -> None:
    top = tree.v2("/outer/middle/inner")
    v2_level(top / "outer", 1000 * MB, outer_used * MB)
    v2_level(top / "outer/middle", "max", 5000 * MB)
    v2_level(top / "outer/middle/inner", 512 * MB, 212 * MB)
    groups = tree.groups()
    assert groups.limit_bytes == 512 * MB
    assert groups.headroom() == bound


def test_a_group_without_the_controller_is_counted_by_the_one_above(tree: Tree) -> None:
    top = tree.v2("/user/app")
    v2_level(top / "user", 256 * MB, 56 * MB)
    (top / "user/app").mkdir()
    groups = tree.groups()
    assert groups.headroom() == Headroom(200 * MB, 256 * MB)
    assert groups.used_bytes == 56 * MB
    assert groups.oom_kills() == 4


def test_a_group_that_would_be_made_to_wait_is_full(tree: Tree) -> None:
    v2_level(tree.v2("/a") / "a", 512 * MB, 100 * MB, high=300 * MB)
    assert tree.groups().headroom() == Headroom(200 * MB, 300 * MB)


def test_in_a_hybrid_the_hierarchy_that_counts_memory_is_asked(tree: Tree) -> None:
    v1_level(tree.v1("/box") / "box", 512 * MB, 12 * MB)
    (tree.v2("/") / "cgroup.procs").write_text("")
    groups = tree.groups()
    assert groups.headroom() == Headroom(500 * MB, 512 * MB)
    assert groups.oom_kills() == 3


def test_a_limit_above_what_is_mounted_is_told_by_version_1(tree: Tree) -> None:
    v1_level(tree.v1("/docker/abc", root="/docker/abc"), NO_LIMIT_V1, 28 * MB, stated=128 * MB)
    assert tree.groups().headroom() == Headroom(100 * MB, 128 * MB)


@pytest.mark.parametrize("root", ["/", "/docker/abc", "/../..", "/elsewhere"])
@pytest.mark.parametrize("cgroup", ["/", "/docker/abc", "/docker/abc/gone", "/../other"])
@pytest.mark.parametrize("version", [1, 2])
def test_in_a_namespace_the_mount_is_what_there_is(tree: Tree, version: int, cgroup: str, root: str) -> None:
    if version == 1:
        v1_level(tree.v1(cgroup, root=root), 512 * MB, 212 * MB)
    else:
        v2_level(tree.v2(cgroup, root=root), 512 * MB, 212 * MB)
    assert tree.groups().headroom() == Headroom(300 * MB, 512 * MB)


def test_nothing_outside_the_mount_is_read(tree: Tree) -> None:
    v2_level(tree.path, 1 * MB, 0)
    v2_level(tree.v2("/../other", root="/.."), 512 * MB, 212 * MB)
    assert tree.groups().limit_bytes == 512 * MB


def test_the_mount_that_shows_the_group_is_taken(tree: Tree) -> None:
    v2_level(tree.v2("/a", root="/b", name="part of b"), 100 * MB, 0)
    v2_level(tree.v2("/a", root="/a", name="part of a"), 200 * MB, 0)
    assert tree.groups().limit_bytes == 200 * MB


def test_the_machine_bounds_too(tree: Tree) -> None:
    v2_level(tree.v2(), 512 * MB, 0)
    tree.available(64 * MB)
    assert tree.groups().headroom() == Headroom(64 * MB, None)


@pytest.mark.parametrize("limit", [NO_LIMIT_V1, "", "max", "-1", "many", "9" * 30, "٣", "\0"])
def test_an_odd_limit_is_none(tree: Tree, limit: object) -> None:
    v1_level(tree.v1(), limit, 10 * MB)
    v2_level(tree.v2(), limit, 10 * MB)
    groups = tree.groups()
    assert groups.limit_bytes is None
    assert groups.headroom() == Headroom(PLENTY, None)


def test_usage_that_is_not_known_counts_as_none(tree: Tree) -> None:
    level = tree.v2()
    (level / "memory.max").write_text(f"{512 * MB}\n")
    assert tree.groups().headroom() == Headroom(512 * MB, 512 * MB)
    assert tree.groups().used_bytes is None


def test_what_is_used_over_the_limit_leaves_nothing(tree: Tree) -> None:
    v2_level(tree.v2(), 512 * MB, 600 * MB)
    assert tree.groups().headroom() == Headroom(0, 512 * MB)


def test_a_limit_that_changes_is_seen(tree: Tree) -> None:
    level = tree.v2()
    v2_level(level, "max", 0)
    groups = tree.groups()
    assert groups.limit_bytes is None
    v2_level(level, 512 * MB, 0)
    assert groups.limit_bytes == 512 * MB


def test_kills_that_no_group_counts_are_the_machines(tree: Tree) -> None:
    (tree.proc / "vmstat").write_text("oom_kill_rubbish 1\noom_kill 8\nswap_ra 0\n")
    assert tree.groups().oom_kills() == 8


def test_without_any_file_nothing_is_known(tmp_path: Path) -> None:
    groups = MemoryCgroups(tmp_path / "nothing")
    assert (groups.limit_bytes, groups.used_bytes, groups.headroom(), groups.oom_kills()) == (None,) * 4


@given(
    mountinfo=st.binary(max_size=80) | st.just(b"1 2 3 / / x - cgroup2 a b"),
    cgroup=st.binary(max_size=40) | st.just(b"0::/"),
    number=st.binary(max_size=30),
)
def test_garbage_raises_nothing(
    tmp_path_factory: pytest.TempPathFactory, mountinfo: bytes, cgroup: bytes, number: bytes
) -> None:
    tree = Tree(tmp_path_factory.mktemp("garbage"))
    for name in ("memory.max", "memory.current", "memory.stat", "memory.events"):
        (tree.v2() / name).write_bytes(number)
    tree.groups()
    for content in (None, mountinfo):
        if content is not None:
            (tree.proc / "self/mountinfo").write_bytes(content)
            (tree.proc / "self/cgroup").write_bytes(cgroup)
            (tree.proc / "meminfo").write_bytes(number)
        groups = MemoryCgroups(tree.proc)
        assert groups.limit_bytes is None or groups.limit_bytes >= 0
        groups.headroom(), groups.used_bytes, groups.oom_kills()


def test_a_file_that_is_a_directory_is_unknown(tree: Tree) -> None:
    level = tree.v2()
    for name in ("memory.max", "memory.current", "memory.stat", "memory.events"):
        (level / name).mkdir()
    groups = tree.groups()
    assert (groups.limit_bytes, groups.used_bytes, groups.oom_kills()) == (None, None, None)


ASK = """
import json
from camgraph.base.cgroup import MemoryCgroups
groups = MemoryCgroups()
before = groups.headroom().bytes
touched = bytearray(b"x") * (8 << 20)
print(json.dumps([groups.limit_bytes, groups.headroom().limit_bytes, before, groups.headroom().bytes,
                  groups.used_bytes, groups.oom_kills()]))
"""


def test_a_real_group_tells_its_limit_and_what_is_left() -> None:
    with SmallCgroup(64 * MB) as group:
        told = json.loads(
            subprocess.run(
                group.command([sys.executable, "-c", ASK]), check=True, stdout=subprocess.PIPE, timeout=20
            ).stdout
        )
    limit, bounding, before, after, used, kills = told
    assert (limit, bounding, kills) == (64 * MB, 64 * MB, 0)
    assert 7 * MB < before - after < 10 * MB
    assert used == pytest.approx(64 * MB - after, abs=2 * MB)


def test_this_process_is_told_something_that_can_be() -> None:
    headroom = MemoryCgroups().headroom()
    assert headroom is not None
    assert 0 < headroom.bytes <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
