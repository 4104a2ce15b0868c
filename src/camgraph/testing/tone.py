"""A tone for the camera that has no picture."""

import math

RATE = 8000
_PITCH_HZ = 440
_AMPLITUDE = 8000


def tone(packet_bytes: int) -> list[bytes]:
    """Return packets of a tone as G.711 A-law, `RATE` samples a second; as a loop they have no jump."""
    cycle_samples = RATE // math.gcd(RATE, _PITCH_HZ)
    angle = 2 * math.pi * _PITCH_HZ / RATE
    cycle = bytes(a_law(round(_AMPLITUDE * math.sin(angle * at))) for at in range(cycle_samples))
    length = math.lcm(cycle_samples, packet_bytes)
    sound = cycle * (length // cycle_samples)
    return [sound[at : at + packet_bytes] for at in range(0, length, packet_bytes)]


def a_law(sample: int) -> int:
    """Return the byte for a sample of 16 bits."""
    magnitude = min(abs(sample), 32767) >> 4
    segment = max(magnitude.bit_length() - 4, 0)
    step = magnitude >> max(segment - 1, 0) & 0xF
    return ((0x80 if sample >= 0 else 0) | segment << 4 | step) ^ 0x55
