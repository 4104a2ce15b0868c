"""The demo's analyzer: where something moves."""

from collections import deque
from typing import TYPE_CHECKING

import camgraph as cg

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Mask = npt.NDArray[np.bool_]
    Gray = npt.NDArray[np.uint8]

THRESHOLD = 24
SMALLEST_PX = 7
SAMPLE_EVERY = 3
SAMPLES = 11
SAMPLES_TO_BEGIN = 7


class MovementDetector(cg.MessageProcess):
    """Finds what differs from the scene as it mostly was in the last seconds; gray8, 160x90, 10 fps."""

    moved = cg.message(stream=str, x=float, y=float, width=float, height=float)
    """The rectangle around all that moves, as shares of the picture's width and height."""
    still = cg.message(stream=str)

    def setup(self) -> None:
        """Begin without knowing any scene."""
        self._scenes: dict[str, Scene] = {}

    def on_frame(self, frame: cg.Frame) -> None:
        """Tell what moves in the frame."""
        scene = self._scenes.setdefault(frame.stream, Scene())
        found = scene.movement_in(frame.array)
        if found is None:
            self.still.emit(frame.stream)
        else:
            self.moved.emit(frame.stream, *found)


class Scene:
    """What one camera mostly sees: the median of frames of the last seconds."""

    def __init__(self) -> None:
        self._samples: deque[Gray] = deque(maxlen=SAMPLES)
        self._seen = 0
        self._median: Gray | None = None

    def movement_in(self, picture: "Gray") -> tuple[float, float, float, float] | None:
        """Return x, y, width, height (shares, 0 to 1) of what differs and is no speck; None: nothing does."""
        import numpy as np

        if self._samples and self._samples[0].shape != picture.shape:
            self._samples.clear()
            self._median = None
        if self._seen % SAMPLE_EVERY == 0:
            self._samples.append(picture.copy())
            if len(self._samples) >= SAMPLES_TO_BEGIN:
                self._median = np.median(np.stack(self._samples), axis=0).astype(np.uint8)
        self._seen += 1
        if self._median is None:
            return None
        differs = np.abs(picture.astype(np.int16) - self._median) > THRESHOLD
        solid = _eroded(_eroded(differs).T).T
        rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
        if not rows.size:
            return None
        height, width = picture.shape
        left, top = int(columns[0]), int(rows[0])
        right, bottom = int(columns[-1]) + SMALLEST_PX, int(rows[-1]) + SMALLEST_PX
        return left / width, top / height, (right - left) / width, (bottom - top) / height


def _eroded(mask: "Mask") -> "Mask":
    """Keep the uppermost pixel of each run of SMALLEST_PX pixels downwards; the result is shorter by that."""
    count = mask.shape[0] - SMALLEST_PX + 1
    kept = mask[:count].copy()
    for shift in range(1, SMALLEST_PX):
        kept &= mask[shift : shift + count]
    return kept
