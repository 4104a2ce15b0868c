"""From what was declared and what was measured to ok, or why not: pure."""

from dataclasses import dataclass, field

from reliability.rows import KEYFRAME_S, Row

CONNECTING_S = 1.0
"""What connecting, decoding and ten frames may take, beyond the announced attempt and the key frame."""
MOST_LATE_S = 0.15
_JITTER = 0.1
_ROUNDING_S = 0.1


@dataclass(frozen=True)
class Measured:
    """What came of a row; times in s, None: it did not happen."""

    noticed_s: float | None = None
    state: str = ""
    reason: str = ""
    stayed: str = ""
    """The state in which it stayed while the fault lasted, where it is to overcome it."""
    transport: str = ""
    announced_s: float = 0.0
    """From the end of the fault to the attempt that was announced then; 0: none had to be waited for."""
    recovered_s: float | None = None
    pictures_s: float | None = None
    """From the begin of the fault to ten verified pictures while it lasted."""
    waits_s: tuple[float, ...] = ()
    smeared: int = 0
    """Pictures published that can't be read: parts of different ones."""
    neighbour_lost: int = 0
    process_replaced: bool = False
    process_ended: str = ""
    """How the media process ended, if it was replaced."""
    leaks: int = 0
    leaked: tuple[str, ...] = field(default=())
    neighbour_dropped: dict[str, int] = field(default_factory=dict)
    """What the media process dropped of the neighbour, by cause."""
    late_s: float = 0.0
    """By how much the machine kept us waiting for a processor, at worst."""
    error: str = ""
    """Why the row could not be measured to its end."""


def tolerated(row: Row) -> bool:
    """Tell whether there is nothing to notice: the stream stays live."""
    return (row.state, row.reason) == ("live", "")


def was_disturbed(measured: Measured) -> bool:
    """Tell whether the machine was too busy for the figures to mean anything."""
    return measured.late_s > MOST_LATE_S


def recovered_within_s(announced_s: float) -> float:
    """Return how long after the end of a fault ten verified frames may take."""
    return announced_s + KEYFRAME_S + CONNECTING_S


def reasons_against(row: Row, measured: Measured) -> list[str]:
    """Return why a row is not ok; nothing: it is."""
    against = [f"not measured: {measured.error}"] if measured.error else []
    if not tolerated(row):
        if measured.noticed_s is None:
            against.append("not noticed")
        elif measured.noticed_s > row.noticed_within_s:
            against.append(f"noticed after {measured.noticed_s:.1f} s, not {row.noticed_within_s:g} s")
    if (measured.state, measured.reason) != (row.state, row.reason):
        told, wanted = (
            " ".join(pair) for pair in ((measured.state, measured.reason), (row.state, row.reason))
        )
        against.append(f"the state was {told.strip()}, not {wanted.strip()}")
    if row.ends or row.replaced:
        bound_s = recovered_within_s(measured.announced_s)
        if measured.recovered_s is None:
            against.append("did not recover")
        elif measured.recovered_s > bound_s:
            against.append(f"recovered after {measured.recovered_s:.1f} s, not {bound_s:.1f} s")
    if row.transport == "udp" and measured.transport != row.goes_on_by:
        against.append(f"it went on by {measured.transport}, not {row.goes_on_by}")
    if row.overcomes and measured.stayed != "live":
        against.append(f"it stayed {measured.stayed}, not live")
    if row.pictures_within_s is not None:
        if measured.pictures_s is None:
            against.append("no pictures while it lasted")
        elif measured.pictures_s > row.pictures_within_s:
            against.append(f"pictures after {measured.pictures_s:.1f} s, not {row.pictures_within_s:.1f} s")
    if not _are_waits(row.waits_s, measured.waits_s):
        against.append(f"announced waits of {_listed(measured.waits_s)} s, not {_listed(row.waits_s)} s")
    if measured.smeared:
        against.append(f"{measured.smeared} pictures were smeared")
    if measured.process_replaced != row.replaced:
        replaced = (
            f"was replaced ({measured.process_ended})" if measured.process_replaced else "was not replaced"
        )
        against.append(f"the media process {replaced}")
    if measured.neighbour_lost and not measured.process_replaced:
        against.append(f"the neighbour lost {measured.neighbour_lost} frames")
    if measured.leaks:
        against.append(f"left behind: {', '.join(measured.leaked) or measured.leaks}")
    return against


def _are_waits(declared: tuple[float, ...], measured: tuple[float, ...]) -> bool:
    """Tell whether the first waits are those declared, jitter apart, which only shortens them."""
    if len(measured) < len(declared):
        return False
    return all(
        wanted * (1 - _JITTER) - _ROUNDING_S <= found <= wanted + _ROUNDING_S
        for wanted, found in zip(declared, measured, strict=False)
    )


def _listed(waits_s: tuple[float, ...]) -> str:
    return ", ".join(f"{wait_s:.1f}" for wait_s in waits_s) or "no"
