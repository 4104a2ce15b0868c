"""Here pictures are converted in the tests' own process."""

import cv2  # noqa: F401  Its library starts a thread when it is loaded: before the first test, not in it.
