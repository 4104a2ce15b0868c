"""Which addresses requests go to: cameras name their tracks in many ways, and some name them wrongly."""

from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from camgraph.base.redact import split_userinfo

_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


def clean(url: str) -> str | None:
    """Return an rtsp address as it can be sent: no login, no fragment, no spaces. None if it is none."""
    try:
        bare, _ = split_userinfo(url.strip())
        parts = urlsplit(bare)
        if parts.scheme.lower() != "rtsp" or not parts.hostname:
            return None
        _ = parts.port
        return quote(urlunsplit(parts._replace(fragment="")), safe=_PRINTABLE)
    except ValueError:
        return None


def base_of(told: Iterable[str | None], requested: str) -> str:
    """Return the first usable of Content-Base and Content-Location, else the address that was asked for."""
    bases = (clean(header) for header in told if header)
    return next((base for base in bases if base is not None), requested)


def control_urls(control: str, base: str, requested: str) -> list[str]:
    """Return the addresses that a control attribute may mean, the likeliest first.

    `base` is the answer's own base, `requested` what DESCRIBE asked for, whose host is known to be right.
    """
    if control in ("", "*"):
        return _distinct([base, requested])
    if "://" in control:
        return _distinct([clean(control), _at_host_of(requested, control)]) or [base]
    # Nearly everybody appends, after a query even, where the standard would replace the last part.
    found: list[str | None] = [
        _append(base, control),
        _append(requested, control),
        _before_query(requested, control),
    ]
    if control.startswith("/"):
        found.append(join(requested, control))
    return _distinct([*map(clean, filter(None, found))]) or [base]


def join(base: str, reference: str) -> str | None:
    """Return the address that a reference means, None if it is no rtsp address."""
    try:
        return clean(urljoin(base, reference.strip()))
    except ValueError:
        return None


def _append(base: str, control: str) -> str:
    return base.rstrip("/") + "/" + control.lstrip("/")


def _before_query(base: str, control: str) -> str:
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=_append(parts.path, control)))


def _at_host_of(requested: str, url: str) -> str | None:
    try:
        return clean(urlunsplit(urlsplit(url)._replace(scheme="rtsp", netloc=urlsplit(requested).netloc)))
    except ValueError:
        return None


def _distinct(urls: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(url for url in urls if url is not None))
