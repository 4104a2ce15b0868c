"""What of ValkkaFS is there already: how its times are told, and its error."""

import re

import pytest

from valkka import fs
from valkka.api2 import exceptions, valkkafs

SECOND_MS = 1_700_000_000_123


@pytest.mark.effect(
    "valkka.fs.{formatMstimestamp,formatMstimeTuple}", "valkka.api2.valkkafs.formatMstimestamp"
)
def test_times_are_told_as_local_dates():
    told = fs.formatMstimestamp(SECOND_MS)
    assert re.fullmatch(r"2023-11-1[45] \d\d:\d\d:20\.123", told)
    assert valkkafs.formatMstimestamp(SECOND_MS) == told
    assert fs.formatMstimeTuple((SECOND_MS, SECOND_MS)) == f"{told} -> {told}"


@pytest.mark.effect("valkka.fs.ValkkaFSLoadError", "valkka.api2.valkkafs.ValkkaFSLoadError")
def test_there_is_one_error_for_what_can_not_be_loaded():
    assert exceptions.ValkkaFSLoadError is valkkafs.ValkkaFSLoadError is fs.ValkkaFSLoadError
    with pytest.raises(fs.ValkkaFSLoadError, match="no such"):
        raise exceptions.ValkkaFSLoadError("no such directory")


def test_directories_are_for_later():
    for word in ("loadFromDirectory", "newFromDirectory", "checkDirectory"):
        with pytest.raises(NotImplementedError, match=rf"ValkkaMultiFS\.{word} is not there yet"):
            getattr(fs.ValkkaMultiFS, word)("/tmp")
