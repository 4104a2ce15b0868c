"""The constants of the documented API; its enums are plain integers, which programs compare types of."""

__all__ = [
    "DEFAULT_FRAMEFIFO_FLUSH_WHEN_FULL",
    "DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL",
    "DEFAULT_OPENGLTHREAD_BUFFERING_TIME",
    "DEFAULT_TIMESTAMP_RESET_TIME",
    "FS_GRAIN_SIZE",
    "TIMESTAMP_CORRECT_TRESHOLD",
    "VERSION_MAJOR",
    "VERSION_MINOR",
    "VERSION_PATCH",
    "FileState_error",
    "FileState_none",
    "FileState_play",
    "FileState_seek",
    "FileState_stop",
    "LiveConnectionType_none",
    "LiveConnectionType_rtsp",
    "LiveConnectionType_sdp",
    "TimeCorrectionType_dummy",
    "TimeCorrectionType_none",
    "TimeCorrectionType_smart",
]

VERSION_MAJOR = 1
VERSION_MINOR = 6
VERSION_PATCH = 1

DEFAULT_OPENGLTHREAD_BUFFERING_TIME = 300
DEFAULT_FRAMEFIFO_FLUSH_WHEN_FULL = False
DEFAULT_OPENGLFRAMEFIFO_FLUSH_WHEN_FULL = False
DEFAULT_TIMESTAMP_RESET_TIME = 60000
TIMESTAMP_CORRECT_TRESHOLD = 2000
FS_GRAIN_SIZE = 4096

TimeCorrectionType_none = 0
TimeCorrectionType_smart = 1
TimeCorrectionType_dummy = 2

LiveConnectionType_none = 0
LiveConnectionType_rtsp = 1
LiveConnectionType_sdp = 2

FileState_none = 0
FileState_error = 1
FileState_seek = 2
FileState_stop = 3
FileState_play = 4
