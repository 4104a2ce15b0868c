"""What survives what: the rows of the README's table, each of which `test_deaths` executes and asserts."""

from dataclasses import dataclass
from typing import Literal

KEYFRAME_S = 1.0
"""From one keyframe of the built-in cameras to the next: 25 frames at 25 fps."""


@dataclass(frozen=True)
class Death:
    """A part of a site that dies, or stops; `harm` names what the test does.

    `hits` are the streams that lose frames: readers of the others lose none. Those streams are connected
    again within `back_within_s` of `counted_from`; with `keyframe` their pictures come with the next one.
    """

    part: str
    how: Literal["SIGKILL", "SIGSTOP", "busy for 10 s"]
    harm: str
    hits: Literal["none", "its own", "all"]
    loses: str
    keeps: str
    back_within_s: float
    counted_from: Literal["", "it serves again", "it goes on"] = ""
    keyframe: bool = False
    comes_back: bool = True

    @property
    def back(self) -> str:
        """When it is as it was, in words."""
        if not self.comes_back:
            return f"all that it owned has ended after {self.back_within_s:g} s"
        told = f"{self.back_within_s:g} s"
        if self.counted_from:
            told += f" after {self.counted_from}"
        return f"{told}, then the next keyframe" if self.keyframe else told


OTHERS = "all other streams, without one lost frame; window and analyzers"

DEATHS = (
    Death(
        "a camera, or its network",
        "SIGKILL",
        "kill_cameras",
        hits="its own",
        loses="its streams: each says why, and when the next attempt is",
        keeps=OTHERS,
        back_within_s=1.0,
        counted_from="it serves again",
        keyframe=True,
    ),
    Death(
        "a camera, or its network",
        "SIGSTOP",
        "stop_cameras",
        hits="its own",
        loses="its streams: `stalled` after 2 s; opened anew where it lasts longer than 5 s",
        keeps=OTHERS,
        back_within_s=1.0,
        counted_from="it goes on",
    ),
    Death(
        "a media process",
        "SIGKILL",
        "kill_media",
        hits="its own",
        loses="its streams",
        keeps=OTHERS,
        back_within_s=1.0,
        keyframe=True,
    ),
    Death(
        "a media process",
        "SIGSTOP",
        "stop_media",
        hits="its own",
        loses="its streams; found out after 5 s, and killed",
        keeps=OTHERS,
        back_within_s=7.0,
        keyframe=True,
    ),
    Death(
        "the supervisor",
        "SIGKILL",
        "kill_supervisor",
        hits="all",
        loses="all streams and analyzers: your program starts another supervisor, and that all else",
        keeps="window, readers and front ends, those of other programs too",
        back_within_s=2.0,
        keyframe=True,
    ),
    Death(
        "the supervisor",
        "SIGSTOP",
        "stop_supervisor",
        hits="all",
        loses="nothing for 5 s; then it is found out and killed, and replaced as above",
        keeps="window, readers and front ends, those of other programs too",
        back_within_s=8.0,
        keyframe=True,
    ),
    Death(
        "an analyzer with `restart = True`",
        "SIGKILL",
        "kill_analyzer",
        hits="none",
        loses="what it knew; its front end tells how it ended",
        keeps="all streams and other analyzers",
        back_within_s=2.0,
    ),
    Death(
        "an analyzer",
        "SIGSTOP",
        "stop_analyzer",
        hits="none",
        loses="frames for it, which are counted",
        keeps="all streams and other analyzers",
        back_within_s=1.0,
        counted_from="it goes on",
    ),
    Death(
        "your program's GUI",
        "busy for 10 s",
        "hang_program",
        hits="its own",
        loses="pictures on its screen, which are counted; what dies meanwhile is restarted meanwhile",
        keeps="all streams and analyzers",
        back_within_s=1.0,
        counted_from="it goes on",
    ),
    Death(
        "your program",
        "SIGSTOP",
        "stop_program",
        hits="none",
        loses="pictures on its screen, which are counted",
        keeps="all streams and analyzers, and other programs",
        back_within_s=1.0,
        counted_from="it goes on",
    ),
    Death(
        "another program on the site",
        "SIGKILL",
        "kill_other",
        hits="none",
        loses="what it spawned",
        keeps="everything else",
        back_within_s=3.0,
        comes_back=False,
    ),
    Death(
        "another program on the site",
        "SIGSTOP",
        "stop_other",
        hits="none",
        loses="frames for it, which are counted",
        keeps="everything else",
        back_within_s=1.0,
        counted_from="it goes on",
    ),
    Death(
        "your program",
        "SIGKILL",
        "kill_program",
        hits="all",
        loses="the site: no process, socket or memory of it is left",
        keeps="cameras; other programs, which are told",
        back_within_s=3.0,
        comes_back=False,
    ),
)
