"""What FFmpeg's errors mean to a person."""

import errno

import av.error
import pytest

from camgraph.base.errors import SourceRefused, SourceTimeout, SourceUnavailable
from camgraph.media.sources.faults import Address, explain_open

CAMERA = Address("rtsp://10.0.0.5:8554/1", "10.0.0.5", 8554)
SECRET = "rtsp://admin:s3cret@10.0.0.5:8554/1"


def explain(error: Exception, *, elapsed_s: float = 0.1, with_login: bool = True) -> tuple[type, str, str]:
    fault = explain_open(error, CAMERA, elapsed_s=elapsed_s, bound_s=2.5, with_login=with_login)
    assert fault.__cause__ is None
    assert fault.__context__ is None
    return type(fault), fault.reason, str(fault)


def ffmpeg_error(kind: type[av.error.FFmpegError], code: int = 1) -> av.error.FFmpegError:
    return kind(code, "an error", SECRET)


@pytest.mark.parametrize(
    ("error", "elapsed_s", "kind", "reason", "words"),
    [
        (ffmpeg_error(av.error.ConnectionRefusedError), 0.0, SourceUnavailable, "refused", "port right"),
        (ffmpeg_error(av.error.HTTPUnauthorizedError), 0.1, SourceRefused, "unauthorized", "password"),
        (ffmpeg_error(av.error.HTTPForbiddenError), 0.1, SourceRefused, "unauthorized", "forbids /1"),
        (ffmpeg_error(av.error.HTTPNotFoundError), 0.1, SourceRefused, "not_found", "no stream /1"),
        (ffmpeg_error(av.error.HTTPOtherClientError), 0.1, SourceRefused, "request_refused", "manual"),
        (
            ffmpeg_error(av.error.OSError, errno.EPROTONOSUPPORT),
            0.1,
            SourceRefused,
            "transport_refused",
            "TCP",
        ),
        (ffmpeg_error(av.error.HTTPServerError), 0.1, SourceUnavailable, "server_error", "restart"),
        (ffmpeg_error(av.error.TimeoutError), 2.5, SourceTimeout, "no_answer", "firewall"),
        (ffmpeg_error(av.error.InvalidDataError), 2.5, SourceTimeout, "no_answer", "no RTSP answer"),
        (ffmpeg_error(av.error.PermissionError), 2.4, SourceTimeout, "no_answer", "no RTSP answer"),
        (ffmpeg_error(av.error.ExitError), 10.0, SourceTimeout, "no_answer", "no RTSP answer"),
        (ffmpeg_error(av.error.InvalidDataError), 0.1, SourceUnavailable, "not_rtsp", "RTSP port"),
        (ffmpeg_error(av.error.EOFError), 0.1, SourceUnavailable, "not_rtsp", "RTSP port"),
        (
            ffmpeg_error(av.error.OSError, errno.EHOSTUNREACH),
            3.0,
            SourceUnavailable,
            "unreachable",
            "No network leads to 10.0.0.5",
        ),
    ],
)
def test_each_error_has_its_kind_its_reason_and_its_remedy(
    error: Exception, elapsed_s: float, kind: type, reason: str, words: str
) -> None:
    found_kind, found_reason, sentence = explain(error, elapsed_s=elapsed_s)
    assert (found_kind, found_reason) == (kind, reason)
    assert words in sentence
    assert "10.0.0.5" in sentence
    assert "s3cret" not in sentence
    assert sentence[-1] in ".?"


def test_a_missing_login_is_not_a_wrong_one() -> None:
    _, reason, sentence = explain(ffmpeg_error(av.error.HTTPUnauthorizedError), with_login=False)
    assert reason == "unauthorized"
    assert 'login="env:NAME"' in sentence


def test_an_address_of_six_groups_is_written_in_brackets() -> None:
    assert Address("rtsp://[::1]/x", "::1", 554).at == "[::1]:554"
    assert Address("rtsp://[::1]", "::1", 554).path == "/"
