"""Every reason that a stream's status can give, with its meaning, and how each failure is waited out."""

from typing import NamedTuple

from camgraph.control.messages import StreamState


class Retry(NamedTuple):
    """How a kind of failure is waited out: the state to show, and the waits in seconds, the last one kept.

    Without waits there is no further attempt.
    """

    state: StreamState
    waits_s: tuple[float, ...]


QUICK = Retry("backing_off", (0.2, 0.5, 0.5, 0.5, 0.5, 1.0, 2.0, 5.0, 10.0))
"""For two seconds a camera that is back is tried within half a second of that: see docs/design/sources.md."""
BUSY = Retry("backing_off", (5.0, 10.0, 30.0))
LOGIN = Retry("unauthorized", (30.0, 60.0, 120.0, 300.0))
MISSING = Retry("not_found", (30.0,))
UNPLUGGED = Retry("not_found", (1.0,))
"""A look costs nothing, and who plugs a camera in waits for its pictures."""
UNSUPPORTED = Retry("unsupported", (30.0,))
OVER = Retry("stopped", ())


class Reason(NamedTuple):
    """What a machine-readable cause means; `retry` is None where no attempt has failed."""

    meaning: str
    retry: Retry | None = QUICK


REASONS: dict[str, Reason] = {
    "name_not_found": Reason("the host's name has no address"),
    "name_no_answer": Reason("no name server answers"),
    "unreachable": Reason("no network leads there"),
    "refused": Reason("nothing listens at the port"),
    "no_answer": Reason("nothing answers there, or stops answering while it is opened"),
    "not_rtsp": Reason("what answers closes the connection, or speaks something else"),
    "unauthorized": Reason("the login is wrong, missing, or lacks the right (401, 403)", LOGIN),
    "not_found": Reason("the camera has no such path (404), or this machine no such file", MISSING),
    "no_device": Reason("this machine has no such device: it may be unplugged", UNPLUGGED),
    "busy": Reason(
        "the camera has no bandwidth left, or too many viewers (453); another program uses the device", BUSY
    ),
    "server_error": Reason("the camera reports a fault of its own (5xx)", BUSY),
    "request_refused": Reason("the camera refuses for another reason (4xx)", UNSUPPORTED),
    "transport_refused": Reason(
        "the camera sends in none of the ways that we can receive (461)", UNSUPPORTED
    ),
    "broken_sdp": Reason("the camera's description of its stream can't be understood", UNSUPPORTED),
    "not_media": Reason("what is there is no video that FFmpeg can read", UNSUPPORTED),
    "unreadable": Reason("the file, or the device, can't be read: its rights, or its disk"),
    "no_video": Reason("there is no video in it", UNSUPPORTED),
    "codec_unknown": Reason("no decoder is known for its video", UNSUPPORTED),
    "not_an_address": Reason("the address can't be one", UNSUPPORTED),
    "no_media": Reason("the camera agreed to send, and sends nothing"),
    "no_keyframe": Reason("packets come, and no whole picture"),
    "undecodable": Reason("the video can't be decoded"),
    "codec_changed": Reason("the camera sends another codec now"),
    "stalled": Reason("no packets come any more"),
    "camera_closed": Reason("the camera ended the stream, or the connection"),
    "ended": Reason("the file was played to its end", OVER),
    "packet_loss": Reason("too many packets are lost; pictures that need them are not shown", None),
    "no_thread": Reason("this machine allows no further thread"),
    "no_socket": Reason("this machine, or this process, allows no further socket"),
    "attempts_hang": Reason("too many earlier attempts hang in calls that can't be ended"),
    "internal": Reason("a bug of camgraph"),
    "media_process_died": Reason("the process that received the stream ended, and is started again", None),
    "media_process_hung": Reason("a call into FFmpeg hung, and the process is replaced", None),
    "supervisor_died": Reason("the supervisor of the site ended, and is started again", None),
    "gate_closed": Reason("a gate on the way is closed", None),
    "branch_detached": Reason("the branch of a fork is detached", None),
    "removed": Reason("the stream is no longer in the graph", None),
    "closed": Reason("this program has closed the site", None),
    "site_closed": Reason("the site was closed by the program that owns it", None),
}


def retry_for(reason: str) -> Retry:
    """Return how a failure is waited out."""
    known = REASONS.get(reason)
    return (known and known.retry) or QUICK
