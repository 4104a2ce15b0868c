"""What was seen last of a stream, for the moment until there are pictures again."""

from collections.abc import Callable

import numpy as np
from qtpy.QtCore import QObject, QTimer
from qtpy.QtGui import QImage

from camgraph.qt.video.player import Player

STANDS_MS = 500
"""A new ring takes 10 to 150 ms."""


class Still(QObject):
    """A picture a tile comes back with: dark, as it is not live. `on_end` is called soon after `begin`."""

    def __init__(self, player: Player, on_end: Callable[[], None]) -> None:
        super().__init__(player)
        self.roi = player.roi
        """Which part of the camera's picture it is; None: all of it."""
        self._source = player.source
        picture = player.picture
        assert picture is not None
        self.size = picture.size
        # Halved here: to lay a shadow over it would have Qt start threads.
        self._pixels = np.right_shift(picture.frame.array, 1)
        self.image = QImage(self._pixels.data, *self.size, 4 * self.size[0], QImage.Format.Format_RGB32)
        self._ends = QTimer(self)
        self._ends.setSingleShot(True)
        self._ends.setInterval(STANDS_MS)
        self._ends.timeout.connect(on_end)

    def stands_for(self, player: Player) -> bool:
        """Tell whether it is to be seen: pictures of that size come, and the first has not yet."""
        return player.awaits_first and player.source == self._source

    def begin(self) -> None:
        """Let it stand from now on."""
        self._ends.start()
