"""Login by digest (RFC 7616, its elders RFC 2617 and RFC 2069) and basic (RFC 7617): the client's side."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

ALGORITHMS = ("SHA-256-SESS", "SHA-256", "MD5-SESS", "MD5")
"""The digests that can be answered, the strongest first."""
_WORD = re.compile(r'([A-Za-z][\w-]*)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*)))?', re.DOTALL)
_PARAMETER = re.compile(r'([A-Za-z][\w-]*)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))')


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a server asks for: the parameters of a ``WWW-Authenticate: Digest`` line."""

    realm: str
    nonce: str
    qop: str | None = None
    algorithm: str | None = None
    opaque: str | None = None
    stale: bool = False
    """The login was right, only the nonce too old."""

    @property
    def strength(self) -> int:
        """Where its algorithm stands in `ALGORITHMS`, counted from the weakest."""
        return -ALGORITHMS.index((self.algorithm or "MD5").upper())


def find_challenge(values: Sequence[str]) -> Challenge | None:
    """Return the strongest digest that the ``WWW-Authenticate`` lines offer, None if none can be answered."""
    challenges = [_challenge(found) for scheme, found in _offers(values) if scheme == "digest"]
    return max(filter(None, challenges), key=lambda challenge: challenge.strength, default=None)


class Login:
    """The client's side: answers what a server asks for, the strongest it offers.

    `login` is ``user:password``; the user's name ends at the first colon.
    """

    def __init__(self, login: str) -> None:
        user, _, password = login.partition(":")
        self._digest = DigestLogin(user, password)
        self._basic = "Basic " + base64.b64encode(_bytes(f"{user}:{password}")).decode()
        self._challenge: Challenge | None = None
        self._ready = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    @property
    def ready(self) -> bool:
        """Whether there was anything that can be answered."""
        return self._ready

    @property
    def stale(self) -> bool:
        """Whether the server said that the last answer was right, only its nonce too old."""
        return self._challenge is not None and self._challenge.stale

    def take(self, values: Sequence[str]) -> bool:
        """Take the ``WWW-Authenticate`` lines of a 401; return whether they can be answered."""
        self._challenge = find_challenge(values)
        self._ready = self._challenge is not None or any(scheme == "basic" for scheme, _ in _offers(values))
        return self._ready

    def authorization(self, method: str, url: str) -> str | None:
        """Return the value of ``Authorization`` for a request, None before the server has asked for it."""
        if self._challenge is not None:
            return self._digest.answer(self._challenge, method, url)
        return self._basic if self._ready else None


class DigestLogin:
    """Answers digest challenges with a user and a password."""

    def __init__(self, user: str, password: str) -> None:
        self._user = user
        self._password = password
        self._uses: tuple[str | None, int, str] = (None, 0, "")

    def __repr__(self) -> str:
        return f"{type(self).__name__}(***)"

    def answer(self, challenge: Challenge, method: str, url: str) -> str:
        """Return the value of ``Authorization`` for a request."""
        nonce, count, cnonce = self._uses
        if nonce != challenge.nonce:
            # Our nonce lives as long as theirs: some servers make a session's key once (``-SESS``).
            count, cnonce = 0, secrets.token_hex(8)
        count += 1
        self._uses = challenge.nonce, count, cnonce
        nc = f"{count:08x}"
        algorithm = (challenge.algorithm or "MD5").upper()
        base = digest(algorithm, self._user, challenge.realm, self._password)
        by_session = algorithm.endswith("-SESS")
        if by_session:
            base = digest(algorithm, base, challenge.nonce, cnonce)
        quoted = {
            "username": self._user,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": url,
            "response": digest_response(
                algorithm, base, challenge.nonce, method, url, challenge.qop, nc, cnonce
            ),
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
        parts = [f"{name}={quote(value)}" for name, value in quoted.items()]
        return "Digest " + ", ".join(parts + [f"{name}={value}" for name, value in bare.items()])


def digest(algorithm: str, *parts: str) -> str:
    """Return the hexadecimal digest of texts with colons between them; `algorithm` is one of `ALGORITHMS`."""
    data = _bytes(":".join(parts))
    if algorithm.startswith("SHA-256"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def digest_response(
    algorithm: str, base: str, nonce: str, method: str, url: str, qop: str | None, nc: str, cnonce: str
) -> str:
    """Return the digest that proves the login; `base` is that of user, realm and password."""
    request = digest(algorithm, method, url)
    between = (nc, cnonce, qop) if qop else ()
    return digest(algorithm, base, nonce, *between, request)


def _challenge(found: dict[str, str]) -> Challenge | None:
    """Return what the parameters of a digest ask for, None if that can't be answered."""
    algorithm = found.get("algorithm")
    offered = [word.strip().lower() for word in found.get("qop", "").split(",") if word.strip()]
    if "nonce" not in found or (algorithm or "MD5").upper() not in ALGORITHMS:
        return None
    if offered and "auth" not in offered:
        return None
    return Challenge(
        realm=found.get("realm", ""),
        nonce=found["nonce"],
        qop="auth" if offered else None,
        algorithm=algorithm,
        opaque=found.get("opaque"),
        stale=found.get("stale", "").lower() == "true",
    )


def _offers(values: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the schemes offered, in small letters, with their parameters; a line may hold several."""
    offers: list[tuple[str, dict[str, str]]] = []
    for value in values:
        found: dict[str, str] | None = None
        for word in _WORD.finditer(value):
            name, quoted, bare = word.groups()
            if quoted is None and bare is None:
                found = {}
                offers.append((name.lower(), found))
            elif found is not None:
                found[name.lower()] = bare if quoted is None else _unquote(quoted)
    return offers


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def quote(value: str) -> str:
    """Return a value in quotes."""
    escaped = re.sub(r'(["\\])', r"\\\1", value)
    return f'"{escaped}"'


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def parameters(text: str) -> dict[str, str]:
    """Return the parameters of an ``Authorization``; names in small letters."""
    return {name.lower(): bare or _unquote(quoted) for name, quoted, bare in _PARAMETER.findall(text)}
