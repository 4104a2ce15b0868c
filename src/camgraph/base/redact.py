"""Camera addresses without the passwords they carry."""

import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

_USERINFO = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*://)[^/?#\s]*@")


def redact(text: str) -> str:
    """Return `text` with the user and password of every URL in it replaced by ``***``."""
    return _USERINFO.sub(r"\g<scheme>***@", text)


def split_login(url: str) -> tuple[str, str | None]:
    """Return the URL without user and password, and the decoded ``user:password`` (None: it had none)."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    return bare, f"{unquote(user)}:{unquote(password)}"


def join_login(url: str, login: str | None) -> str:
    """Return a URL without login together with one, ``user:password``: what must not be shown."""
    if login is None:
        return url
    user, _, password = login.partition(":")
    parts = urlsplit(url)
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
