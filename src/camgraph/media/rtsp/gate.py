"""Login from the server's side: what it asks for, and what it lets in."""

import base64
import hmac
import secrets
from collections.abc import Sequence
from typing import Literal, get_args

from camgraph.media.rtsp.auth import digest, digest_response, parameters, quote

AuthKind = Literal["digest", "sha256", "basic", "both"]
"""Digest with MD5, digest with SHA-256, basic, or digest (MD5) and basic, as many cameras offer them."""
AUTH_KINDS: tuple[AuthKind, ...] = get_args(AuthKind)


class Gate:
    """The login of one connection: its digest has a nonce of its own, so an answer opens no other one."""

    def __init__(self, realm: str, user: str, password: str, kind: AuthKind = "digest") -> None:
        self._user = user
        self._realm = realm
        self._nonce = secrets.token_hex(16)
        self._algorithm = "SHA-256" if kind == "sha256" else "MD5"
        self._base = digest(self._algorithm, user, realm, password) if kind != "basic" else None
        pair = f"{user}:{password}".encode("utf-8", "surrogateescape")
        self._pair = base64.b64encode(pair) if kind in ("basic", "both") else None

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    @property
    def challenges(self) -> Sequence[str]:
        """The values of ``WWW-Authenticate``; MD5 without qop, as most cameras ask."""
        found = []
        if self._base is not None:
            asked = f"Digest realm={quote(self._realm)}, nonce={quote(self._nonce)}"
            by_sha = self._algorithm != "MD5"
            found.append(f'{asked}, qop="auth", algorithm={self._algorithm}' if by_sha else asked)
        if self._pair is not None:
            found.append(f"Basic realm={quote(self._realm)}")
        return found

    def admits(self, authorization: str | None, method: str, url: str) -> bool:
        """Return whether the value of ``Authorization`` (None: the request had none) opens this request."""
        scheme, _, rest = (authorization or "").strip().partition(" ")
        if scheme.lower() == "basic" and self._pair is not None:
            return hmac.compare_digest(rest.strip().encode("utf-8", "surrogateescape"), self._pair)
        if scheme.lower() == "digest" and self._base is not None:
            return self._is_answer(self._base, parameters(rest), method, url)
        return False

    def _is_answer(self, base: str, given: dict[str, str], method: str, url: str) -> bool:
        expected = {"username": self._user, "realm": self._realm, "nonce": self._nonce, "uri": url}
        if any(given.get(name) != value for name, value in expected.items()):
            return False
        if given.get("algorithm", "MD5").upper() != self._algorithm or given.get("qop", "auth") != "auth":
            return False
        qop, nc, cnonce = given.get("qop"), given.get("nc", ""), given.get("cnonce", "")
        response = digest_response(self._algorithm, base, self._nonce, method, url, qop, nc, cnonce)
        return hmac.compare_digest(
            response.encode(), given.get("response", "").lower().encode("utf-8", "surrogateescape")
        )
