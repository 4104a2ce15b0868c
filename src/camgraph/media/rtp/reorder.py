"""Packets by sequence number: put in order for a moment, then given up (RFC 3550, A.1)."""

from typing import NamedTuple

WAIT_NS = 100_000_000
"""How long packets usually wait for one before them."""

_MOST_AHEAD = 3000
_MOST_BEHIND = 100
"""Numbers further away than these two mean that the sender counts anew."""


class Released(NamedTuple):
    """A packet whose turn it is."""

    data: bytes | memoryview
    arrival_ns: int
    gap: bool
    """Packets right before it are missing."""


class _Jump(NamedTuple):
    """A packet whose number fits nothing, and what was expected when it came."""

    number: int
    expected: int
    held: int
    packet: Released


class ReorderBuffer:
    """Holds packets that came before their turn, `most` at most; 0: the transport keeps the order.

    None waits for one before it for longer than `wait_ns`.

    Whoever receives may skip `push` for a packet that is the `expected` one while none is `held`: adding one
    to `expected` is all there is to do. Sequence numbers are extended beyond their 16 bits.
    """

    def __init__(self, most: int, wait_ns: int = WAIT_NS) -> None:
        self._most, self._wait_ns = most, wait_ns
        self._jump: _Jump | None = None
        self.expected = 0
        """The number of the next packet to be released."""
        self.held: dict[int, tuple[bytes, int]] = {}
        """Packets by number, with the time of arrival, in the order of arrival."""
        self.lost = 0
        """Packets that were given up."""
        self._base = 0

    def begin(self, sequence: int) -> None:
        """Count from this packet on; what is held is dropped."""
        self.expected = self._base = sequence
        self.held.clear()
        self._jump = None

    @property
    def highest(self) -> int:
        """The highest number that came."""
        return max(self.held, default=self.expected - 1)

    @property
    def sent(self) -> int:
        """How many packets were sent, up to the highest number, since `begin`."""
        return self.highest - self._base + 1

    @property
    def due_ns(self) -> int:
        """When `expire` has something to give; 0: nothing is held."""
        return next(iter(self.held.values()))[1] + self._wait_ns if self.held else 0

    def push(self, sequence: int, data: bytes | memoryview, arrival_ns: int) -> list[Released]:
        """Take a packet; return those whose turn it is. Duplicates and late ones are dropped."""
        ahead = ((sequence - self.expected + 0x8000) & 0xFFFF) - 0x8000
        if 0 <= ahead <= _MOST_AHEAD:
            number = self.expected + ahead
            if number in self.held:
                return []
            self.held[number] = bytes(data), arrival_ns
            released = self._run(gap=False)
            while len(self.held) > self._most:
                released += self._give_up()
            return released
        if -_MOST_BEHIND <= ahead < 0:
            return []
        return self._jumped(sequence, data, arrival_ns)

    def expire(self, now_ns: int) -> list[Released]:
        """Return the packets that have waited long enough, and those behind them."""
        released: list[Released] = []
        while self.held and self.due_ns <= now_ns:
            released += self._give_up()
        return released

    def _run(self, *, gap: bool) -> list[Released]:
        released = []
        while (found := self.held.pop(self.expected, None)) is not None:
            released.append(Released(*found, gap))
            gap = False
            self.expected += 1
        return released

    def _give_up(self) -> list[Released]:
        first = min(self.held)
        self.lost += first - self.expected
        self.expected = first
        return self._run(gap=True)

    def _jumped(self, sequence: int, data: bytes | memoryview, arrival_ns: int) -> list[Released]:
        """Begin anew, where packets may stray only once two in a row say so and none denies it."""
        jump, state = self._jump, (self.expected, len(self.held))
        packets = [Released(bytes(data), arrival_ns, True)]
        if self._most:
            follows = jump is not None and ((jump.number + 1) & 0xFFFF, *jump[1:3]) == (sequence, *state)
            if jump is None or not follows:
                self._jump = _Jump(sequence, *state, packets[0])
                return []
            packets = [jump.packet, packets[0]._replace(gap=False)]
        released: list[Released] = []
        while self.held:
            released += self._give_up()
        sent = self.sent
        self.begin((sequence - len(packets) + 1) & 0xFFFF)
        self._base -= sent
        self.expected += len(packets)
        return released + packets
