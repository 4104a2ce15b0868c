"""Filterchains: a camera, its decoder, and where the pictures go, as one object."""

__all__ = [
    "BasicFilterchain",
    "BasicFilterchain1",
    "BitmapPort",
    "ManagedFilterchain",
    "ManagedFilterchain2",
    "OpenFilterchain",
    "ShmemFilterchain",
    "ShmemFilterchain1",
    "ValkkaFSFileFilterchain",
    "ValkkaFSLiveFilterchain",
    "ViewPort",
]

from valkka.api2.chains.basic import BasicFilterchain, ShmemFilterchain
from valkka.api2.chains.basic1 import BasicFilterchain1, ShmemFilterchain1
from valkka.api2.chains.basic2 import OpenFilterchain
from valkka.api2.chains.manager import ManagedFilterchain, ManagedFilterchain2
from valkka.api2.chains.port import BitmapPort, ViewPort
from valkka.api2.chains.valkkafs import ValkkaFSFileFilterchain, ValkkaFSLiveFilterchain
