"""Camera addresses without the logins they carry: before the host, in the query, or in the path.

Where a login stood in query or path, ``{user}`` and ``{password}`` stand until it is used.
"""

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import quote, unquote, unquote_plus, urlsplit, urlunsplit

_USERS = "user(?:name|id)?|usr|login(?:use)?|account"
_PASSWORDS = "pass(?:word|wd)?|pwd?|loginpas"
_OTHERS = "token|auth(?:basic)?|key|apikey|secret|signature|sig|session(?:id)?"
_USERINFO = re.compile(r"://[^/?#\s]*@")  # To look for the scheme, too, in a long word takes seconds.
_SECRET = re.compile(rf"(?<=[?&;/_])(?P<name>(?:{_USERS}|{_PASSWORDS}|{_OTHERS})=)[^&\s]*", re.IGNORECASE)
_HOST = re.compile("[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*")
_PLACE = re.compile(r"\{(user|password)\}")
_IN_VALUES = "!$'()*,:@"
"""Left as they are, since cheap cameras compare what they get without decoding it."""


def redact(text: str) -> str:
    """Return `text` with the user and password of every URL in it replaced by ``***``.

    So are tokens and keys in a query; rather too much is replaced than too little.
    """
    return _SECRET.sub(r"\g<name>***", _USERINFO.sub("://***@", text))


def redact_address(address: str) -> str:
    """Return an address alone, be it none that can be read, with all that may be a login replaced by ``***``.

    A password that was to be percent-encoded may have slashes and spaces in it.
    """
    scheme, mark, rest = address.partition("://")
    _, at, after = rest.rpartition("@")
    return redact(f"{scheme}{mark}***@{after}" if mark and at else address)


def split_login(url: str) -> tuple[str, str | None]:
    """Return the URL without user and password, and the decoded ``user:password`` (None: it had none).

    Raises ValueError if it has two logins that differ; the text shows neither.
    """
    bare, login = split_userinfo(url)
    host = _HOST.match(bare)
    begin = host[0] if host else ""
    path, mark, query = bare[len(begin) :].partition("?")
    taken: dict[str, list[str]] = {"user": [], "password": []}
    shown = begin + _take_out(path, "&/", unquote, taken) + mark + _take_out(query, "&", unquote_plus, taken)
    users, passwords = taken["user"], taken["password"]
    if not passwords:
        return bare, login
    if login is None:
        login = f"{(users or [''])[0]}:{passwords[0]}"
    user, _, password = login.partition(":")
    if {*passwords} != {password} or users[:1] not in ([], [user]) or has_places(url):
        raise ValueError("the address has two logins")
    return shown, login


def split_userinfo(url: str) -> tuple[str, str | None]:
    """Return the URL without what stands before the host, and that, decoded; the rest is left as it is."""
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, parts.fragment))
    return bare, f"{unquote(user)}:{unquote(password)}"


def has_places(url: str) -> bool:
    """Tell whether the URL has places for a login."""
    return _PLACE.search(url) is not None


def fill_login(url: str, login: str | None) -> str:
    """Return a URL with ``user:password`` in its places for them: what must not be shown."""
    if login is None:
        return url
    user, _, password = login.partition(":")
    values = {"user": user, "password": password}
    return _PLACE.sub(lambda place: quote(values[place[1]], safe=_IN_VALUES), url)


def empty_places(url: str, login: str) -> str:
    """Return a URL with places for what a camera sends back of what stood there, ``user:password``."""
    user, _, password = login.partition(":")
    begin = _HOST.match(url)
    at = begin.end() if begin else 0
    rest = url[at:]
    for place, value in (("{password}", password), ("{user}", user)):
        written = {value, quote(value, safe=_IN_VALUES), quote(value, safe="")} - {""}
        if written:
            any_of = "|".join(map(re.escape, sorted(written, key=len, reverse=True)))
            rest = re.sub(rf"(?<=[/?&=;])(?:{any_of})(?=[/?&;]|$)", place, rest)
    return url[:at] + rest


def join_login(url: str, login: str | None) -> str:
    """Return a URL without login together with one, ``user:password``: what must not be shown.

    It stands before the host, and in the URL's places for it.
    """
    if login is None:
        return url
    user, _, password = login.partition(":")
    parts = urlsplit(fill_login(url, login))
    userinfo = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))


def _take_out(part: str, ends: str, decode: Callable[[str], str], taken: dict[str, list[str]]) -> str:
    """Return path or query with places for the login, and add to `taken` what stood there."""

    def place(found: re.Match[str]) -> str:
        kind = "user" if found["user"] else "password"
        values, value = taken[kind], decode(found["value"])
        # One user is named, without a colon, in what a login is written as: others stay where they are.
        other = kind == "user" and (":" in value or values[:1] not in ([], [value]))
        if other or has_places(found["value"]):
            return found[0]
        values.append(value)
        return f"{found['name']}{{{kind}}}"

    # Some cameras write "/user=admin_password=word_channel=1"; elsewhere an underscore is one of the word's.
    underlined = "&" not in part and re.search(f"_(?:{_PASSWORDS})=", part, re.IGNORECASE) is not None
    return _parameter(ends, underlined).sub(place, part)


@cache
def _parameter(ends: str, underlined: bool) -> re.Pattern[str]:
    name = "[a-z0-9]+" if underlined else f"(?:{_USERS}|{_PASSWORDS})"
    value = rf"(?:(?![{ends}]|;\w+=|_{name}=).)*"
    return re.compile(
        rf"(?P<name>(?:^|[&;/_])(?:(?P<user>{_USERS})|{_PASSWORDS})=)(?P<value>{value})",
        re.IGNORECASE | re.DOTALL,
    )
