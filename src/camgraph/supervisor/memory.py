"""Who has been promised how much memory, so that no more is promised than there is."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from camgraph.base.cgroup import Headroom, MemoryCgroups

_MIB = 1 << 20
LEAST_RESERVE_BYTES = 32 * _MIB
"""What one decoder of 720p and the heaps of some processes grow by."""
MOST_RESERVE_BYTES = 512 * _MIB
"""Two decoders of 2160p with frame threads; a large machine needs no more for starting one."""


@dataclass(slots=True)
class _Account:
    granted_bytes: int = 0
    touched_bytes: int = 0
    """Not more than is really touched, as far as reports go."""

    @property
    def outstanding_bytes(self) -> int:
        return max(self.granted_bytes - self.touched_bytes, 0)


class MemoryLedger:
    """Grants memory for rings against what the control groups leave. Each process has an account.

    What has been granted and not been touched yet is *outstanding*: the kernel doesn't count it as used, and
    it is not to be granted twice. Between two reports touched memory counts twice, for a moment: rather one
    ring refused than a process killed. A twentieth of the limit is never granted, since the ledger does not
    see what decoders, heaps and sockets will take.
    """

    def __init__(self, headroom: Callable[[], Headroom | None] | None = None) -> None:
        """Ask `headroom` at each reservation; by default, the control groups of this process."""
        self._headroom = headroom or MemoryCgroups().headroom
        self._accounts: defaultdict[str, _Account] = defaultdict(_Account)

    @property
    def outstanding_bytes(self) -> int:
        """What was granted to all processes and, as far as is known, has not been touched."""
        return sum(account.outstanding_bytes for account in self._accounts.values())

    def reserved(self, process: str) -> int:
        """Return how many bytes a process's rings may take."""
        return self._accounts[process].granted_bytes if process in self._accounts else 0

    def reserve(self, process: str, size_bytes: int) -> str:
        """Grant a process so many bytes more, before it touches them; else return why not, as a sentence."""
        refused = self._refusal(size_bytes)
        if not refused:
            self._accounts[process].granted_bytes += size_bytes
        return refused

    def touched(self, process: str, touched_bytes: int) -> None:
        """Note how much of what a process was granted it uses by now, in all."""
        if process in self._accounts:
            self._accounts[process].touched_bytes = touched_bytes

    def release(self, process: str, size_bytes: int) -> None:
        """Take back bytes that are used no longer; more than were granted are as good as all.

        Until the next report they count as those that had been touched.
        """
        if process in self._accounts:
            account = self._accounts[process]
            account.granted_bytes = max(account.granted_bytes - size_bytes, 0)
            account.touched_bytes = max(account.touched_bytes - size_bytes, 0)

    def vanish(self, process: str) -> None:
        """Forget a process that has ended, and all that it was granted."""
        self._accounts.pop(process, None)

    def _refusal(self, size_bytes: int) -> str:
        headroom = self._headroom()
        if headroom is None or size_bytes <= 0:
            return ""
        left = headroom.bytes - self.outstanding_bytes - reserve_bytes(headroom)
        if size_bytes <= left:
            return ""
        needs = f"{-(-size_bytes // _MIB)} MiB of memory are needed, and {max(left, 0) // _MIB} MiB are left"
        remedy = "ask for smaller pictures, or for fewer at once"
        if headroom.limit_bytes is None:
            return f"{needs} on this machine: {remedy}, or close other programs"
        limit = headroom.limit_bytes // _MIB
        return f"{needs} of this container's limit of {limit} MiB: {remedy}, or raise the limit"


def reserve_bytes(headroom: Headroom) -> int:
    """Return how much is kept for what the ledger doesn't see: a twentieth, within bounds."""
    whole = headroom.bytes if headroom.limit_bytes is None else headroom.limit_bytes
    return min(max(whole // 20, LEAST_RESERVE_BYTES), MOST_RESERVE_BYTES)
