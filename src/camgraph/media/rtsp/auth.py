"""Digest login (RFC 2617 with MD5, and RFC 2069, which leaves out qop), from both sides."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for: the parameters of a ``WWW-Authenticate: Digest`` line."""

    realm: str
    nonce: str
    qop: str | None = None
    algorithm: str | None = None
    opaque: str | None = None


def find_challenge(values: Sequence[str]) -> Challenge | None:
    """Return the first challenge of the ``WWW-Authenticate`` lines that can be answered, None if none can."""
    for value in values:
        scheme, _, rest = value.strip().partition(" ")
        found = _parameters(rest)
        algorithm = found.get("algorithm")
        offered = [word.strip().lower() for word in found["qop"].split(",")] if found.get("qop") else []
        if scheme.lower() != "digest" or "nonce" not in found:
            continue
        if (algorithm or "MD5").upper() not in ("MD5", "MD5-SESS") or (offered and "auth" not in offered):
            continue
        qop = "auth" if offered else None
        return Challenge(found.get("realm", ""), found["nonce"], qop, algorithm, found.get("opaque"))
    return None


class DigestLogin:
    """The client's side: answers challenges with a user and a password."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._uses: tuple[str, int] = ("", 0)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def answer(self, challenge: Challenge, method: str, url: str) -> str:
        """Return the value of ``Authorization`` for a request."""
        nonce, count = self._uses
        count = count + 1 if nonce == challenge.nonce else 1
        self._uses = challenge.nonce, count
        cnonce, nc = secrets.token_hex(8), f"{count:08x}"
        base = _md5(self._user, challenge.realm, self._password)
        by_session = (challenge.algorithm or "").upper() == "MD5-SESS"
        if by_session:
            base = _md5(base, challenge.nonce, cnonce)
        quoted = {
            "username": self._user,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": url,
            "response": _response(base, challenge.nonce, method, url, challenge.qop, nc, cnonce),
        }
        bare = {}
        if challenge.opaque is not None:
            quoted["opaque"] = challenge.opaque
        if challenge.qop or by_session:
            quoted["cnonce"] = cnonce
        if challenge.algorithm:
            bare["algorithm"] = challenge.algorithm
        if challenge.qop:
            bare |= {"qop": challenge.qop, "nc": nc}
        parts = [f"{name}={_quote(value)}" for name, value in quoted.items()]
        return "Digest " + ", ".join(parts + [f"{name}={value}" for name, value in bare.items()])


class DigestGate:
    """The server's side for one connection: its own nonce, so an answer is worth nothing on another one."""

    def __init__(self, realm: str, user: str, password: str) -> None:
        self._realm = realm
        self._user = user
        self._base = _md5(user, realm, password)
        self._nonce = secrets.token_hex(16)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    @property
    def challenge(self) -> str:
        """The value of ``WWW-Authenticate``; without qop, as most cameras ask."""
        return f"Digest realm={_quote(self._realm)}, nonce={_quote(self._nonce)}"

    def admits(self, authorization: str | None, method: str, url: str) -> bool:
        """Return whether the value of ``Authorization`` (None: the request had none) opens this request."""
        scheme, _, rest = (authorization or "").strip().partition(" ")
        given = _parameters(rest)
        expected = {"username": self._user, "realm": self._realm, "nonce": self._nonce, "uri": url}
        if scheme.lower() != "digest" or any(given.get(name) != value for name, value in expected.items()):
            return False
        if given.get("algorithm", "MD5").upper() != "MD5" or given.get("qop", "auth") != "auth":
            return False
        qop, nc, cnonce = given.get("qop"), given.get("nc", ""), given.get("cnonce", "")
        response = _response(self._base, self._nonce, method, url, qop, nc, cnonce)
        return hmac.compare_digest(response.encode(), given.get("response", "").lower().encode())


def _response(base: str, nonce: str, method: str, url: str, qop: str | None, nc: str, cnonce: str) -> str:
    request = _md5(method, url)
    return _md5(base, nonce, nc, cnonce, qop, request) if qop else _md5(base, nonce, request)


def _md5(*parts: str) -> str:
    data = ":".join(parts).encode("utf-8", "surrogateescape")
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _quote(value: str) -> str:
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


def _parameters(text: str) -> dict[str, str]:
    return {
        name.lower(): bare or re.sub(r"\\(.)", r"\1", quoted)
        for name, quoted, bare in _PARAMETER.findall(text)
    }
