"""The demo's analyzer: where the picture moves."""

from typing import TYPE_CHECKING

import camgraph as cg

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from camgraph.ring.frame import Frame

THRESHOLD = 24
MIN_SHARE = 0.002


class MovementDetector(cg.MessageProcess):
    """Compares each frame with the one before; expects gray8."""

    moved = cg.message(stream=str, x=float, y=float, width=float, height=float)
    """The rectangle that holds all movement, as shares of the picture's width and height."""
    still = cg.message(stream=str)

    def setup(self) -> None:
        """Begin without a previous picture."""
        self._previous: dict[str, npt.NDArray[np.int16]] = {}

    def on_frame(self, frame: "Frame") -> None:
        """Tell what moved since the last frame of the same stream."""
        import numpy as np

        picture = frame.array.astype(np.int16)
        previous = self._previous.get(frame.stream)
        self._previous[frame.stream] = picture
        if previous is None or previous.shape != picture.shape:
            return
        changed = np.abs(picture - previous) > THRESHOLD
        if changed.mean() < MIN_SHARE:
            self.still.emit(stream=frame.stream)
            return
        rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
        height, width = changed.shape
        self.moved.emit(
            stream=frame.stream,
            x=float(columns[0] / width),
            y=float(rows[0] / height),
            width=float((columns[-1] + 1 - columns[0]) / width),
            height=float((rows[-1] + 1 - rows[0]) / height),
        )
