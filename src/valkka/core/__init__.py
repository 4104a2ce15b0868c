"""The documented API of libValkka, first level: threads, filters, contexts, rings.

Names and arguments are those of its documentation; what runs is camgraph. Importing starts nothing.
"""

import os

from valkka.core import (
    av_thread,
    constants,
    contexts,
    environment,
    event_fd,
    filters,
    frame_filter,
    gates,
    helpers,
    intp,
    later,
    live_thread,
    log,
    movement,
    opengl_thread,
    printing,
    rings,
    shmem_filters,
    test_thread,
    thread,
)
from valkka.core.av_thread import *
from valkka.core.constants import *
from valkka.core.contexts import *
from valkka.core.event_fd import *
from valkka.core.filters import *
from valkka.core.frame_filter import *
from valkka.core.gates import *
from valkka.core.helpers import *
from valkka.core.intp import *
from valkka.core.later import *
from valkka.core.live_thread import *
from valkka.core.log import *
from valkka.core.movement import *
from valkka.core.opengl_thread import *
from valkka.core.printing import *
from valkka.core.rings import *
from valkka.core.shmem_filters import *
from valkka.core.test_thread import *
from valkka.core.thread import *

__version__ = f"{constants.VERSION_MAJOR}.{constants.VERSION_MINOR}.{constants.VERSION_PATCH}"

# Programs that import everything rely on `os` being there.
__all__ = ["__version__", "os"]
__all__ += av_thread.__all__
__all__ += constants.__all__
__all__ += contexts.__all__
__all__ += event_fd.__all__
__all__ += filters.__all__
__all__ += frame_filter.__all__
__all__ += gates.__all__
__all__ += helpers.__all__
__all__ += intp.__all__
__all__ += later.__all__
__all__ += live_thread.__all__
__all__ += log.__all__
__all__ += movement.__all__
__all__ += opengl_thread.__all__
__all__ += printing.__all__
__all__ += rings.__all__
__all__ += shmem_filters.__all__
__all__ += test_thread.__all__
__all__ += thread.__all__

environment.prepare()
