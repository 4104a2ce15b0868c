"""The second level: threads that start when they are made, filterchains, shared memory, processes."""

__all__ = [
    "BasicFilterchain",
    "BasicFilterchain1",
    "FileThread",
    "FragMP4ShmemClient",
    "LiveThread",
    "ManagedFilterchain",
    "Namespace",
    "OpenGLThread",
    "ShmemClient",
    "ShmemFilterchain",
    "ShmemFilterchain1",
    "ShmemRGBClient",
    "ShmemRGBServer",
    "ShmemServer",
    "USBDeviceThread",
    "ValkkaFS",
    "ValkkaFSFileFilterchain",
    "ValkkaFSLiveFilterchain",
    "ValkkaFSLoadError",
    "ValkkaFSManager",
    "ValkkaProcess",
    "ValkkaShmemRGBProcess",
    "ViewPort",
    "dictionaryCheck",
    "findBlockDevices",
    "formatMstimestamp",
    "generateGetters",
    "getDataFile",
    "getDataPath",
    "getLogger",
    "getModulePath",
    "getTestDataFile",
    "getTestDataPath",
    "get_system_numpy",
    "import_file",
    "loglevel_crazy",
    "loglevel_debug",
    "loglevel_normal",
    "loglevel_nuts",
    "loglevel_silent",
    "noCheck",
    "objectCheck",
    "parameterInitCheck",
    "raise_numpy_version",
    "safe_select",
    "setFFmpegLogLevel",
    "setLogger",
    "setValkkaLogLevel",
    "typeCheck",
    "warn_numpy_version",
]

import warnings

from valkka import core
from valkka.api2.chains import (
    BasicFilterchain,
    BasicFilterchain1,
    ManagedFilterchain,
    ShmemFilterchain,
    ShmemFilterchain1,
    ValkkaFSFileFilterchain,
    ValkkaFSLiveFilterchain,
    ViewPort,
)
from valkka.api2.logging import (
    loglevel_crazy,
    loglevel_debug,
    loglevel_normal,
    loglevel_nuts,
    loglevel_silent,
    setFFmpegLogLevel,
    setValkkaLogLevel,
)
from valkka.api2.multiprocess import ValkkaProcess, ValkkaShmemRGBProcess, safe_select
from valkka.api2.shmem import (
    FragMP4ShmemClient,
    ShmemClient,
    ShmemRGBClient,
    ShmemRGBServer,
    ShmemServer,
)
from valkka.api2.threads import FileThread, LiveThread, Namespace, OpenGLThread, USBDeviceThread
from valkka.api2.tools import (
    dictionaryCheck,
    generateGetters,
    get_system_numpy,
    getDataFile,
    getDataPath,
    getLogger,
    getModulePath,
    getTestDataFile,
    getTestDataPath,
    import_file,
    noCheck,
    objectCheck,
    parameterInitCheck,
    setLogger,
    typeCheck,
)
from valkka.api2.valkkafs import (
    ValkkaFS,
    ValkkaFSLoadError,
    ValkkaFSManager,
    findBlockDevices,
    formatMstimestamp,
)

setValkkaLogLevel(loglevel_normal)

_NUMPY = "valkka was built for another numpy than {}"


def raise_numpy_version() -> None:
    """Raise AssertionError if numpy is not one that works here."""
    if not core.numpy_version_ok():
        raise AssertionError(_NUMPY.format(core.get_numpy_version()))


def warn_numpy_version() -> None:
    """Warn if numpy is not one that works here."""
    if not core.numpy_version_ok():
        warnings.warn(_NUMPY.format(core.get_numpy_version()), stacklevel=2)
