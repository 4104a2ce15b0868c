"""Players that anybody has, as peers."""

import shutil
from typing import NamedTuple


class Kind(NamedTuple):
    """A player: `command` has the places of what a family fills in, and gets the address last."""

    command: tuple[str, ...]
    remedy: str

    @property
    def available(self) -> bool:
        """Whether it is there to be measured."""
        return shutil.which(self.command[0]) is not None
