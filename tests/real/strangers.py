"""What anybody on the machine could read of a program and its processes, searched for passwords."""

import base64
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import md5, sha256
from pathlib import Path
from urllib.parse import quote, quote_plus

from camgraph.media.rtsp.server import REALM

_PROC = Path("/proc")


class Search:
    """Finds logins (``user:password``) in any form in which they may have come into a text."""

    def __init__(self, *logins: str) -> None:
        self._forms: dict[bytes, str] = {}
        for login in logins:
            user, _, password = login.partition(":")
            for form, text in _forms(user, password):
                self._forms[text.lower()] = f"{form} of {password!r}"
        self._any = re.compile(b"|".join(map(re.escape, self._forms)))
        self.texts = 0
        """How many texts were searched."""

    def find(self, where: str, text: str | bytes) -> list[str]:
        """Return what was found: a sentence for each."""
        data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
        self.texts += 1
        return [
            f"{where}: {self._forms[found]}, in {data[:1000]!r}"
            for found in sorted(set(self._any.findall(data.lower())))
        ]

    def find_at(self, pids: Iterable[int]) -> list[str]:
        """Return what was found of processes: a sentence for each."""
        return [found for pid in pids for where, text in _shown(pid) for found in self.find(where, text)]


def descendants(of: int) -> list[int]:
    """Return the children of a process, theirs, and so on; not the process itself."""
    parents: dict[int, int] = {}
    for name in filter(str.isdecimal, os.listdir(_PROC)):
        with suppress(OSError):
            parents[int(name)] = int((_PROC / name / "stat").read_text().rpartition(")")[2].split()[1])
    found = [of]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]


def _shown(pid: int) -> Iterator[tuple[str, bytes]]:
    """Yield what the kernel shows of a process; one that has ended shows nothing."""
    with suppress(OSError):
        told = (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        for file in ("cmdline", "environ", "comm", "maps", "net/unix"):
            yield f"{file} of {pid} ({told[:80]})", (_PROC / str(pid) / file).read_bytes()
        for thread in (_PROC / str(pid) / "task").iterdir():
            yield f"thread of {pid}", (thread / "comm").read_bytes()
        for descriptor in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                yield f"descriptor of {pid}", os.readlink(descriptor).encode(errors="surrogateescape")


def _forms(user: str, password: str) -> Iterator[tuple[str, bytes]]:
    pair = f"{user}:{password}"
    yield "the text", password.encode()
    yield "the text in Latin-1", password.encode("latin-1", "replace")
    yield "the escaped text", password.encode("ascii", "backslashreplace")
    yield "the URL's form", quote(password).encode()
    yield "the URL's form", quote(password, safe="").encode()
    yield "the query's form", quote(password, safe="!$'()*,:@").encode()
    yield "the form's form", quote_plus(password).encode()
    yield "hexadecimal digits", password.encode().hex().encode()
    # Without its end, which what follows would change.
    for text in (pair, password):
        for encoding in ("utf-8", "latin-1"):
            yield "base64", base64.b64encode(text.encode(encoding, "replace"))[:-4]
            yield "base64", base64.urlsafe_b64encode(text.encode(encoding, "replace"))[:-4]
    # As good as the password, to this camera.
    for hashed in (md5, sha256):
        yield "a hash", hashed(f"{user}:{REALM}:{password}".encode()).hexdigest().encode()
