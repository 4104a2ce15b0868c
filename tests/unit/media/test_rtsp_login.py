"""The client's answers to what a server asks for: the standards' examples, the choice, any text."""

import base64
import hashlib
import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.auth import Login

user = st.text(max_size=20).filter(lambda text: ":" not in text)


def parameter(header: str, key: str) -> str:
    found = re.search(rf'\b{key}="?([^",]*)', header)
    assert found is not None
    return found[1]


RFC_7616 = 'realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, nonce="{}", opaque="{}"'
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(monkeypatch: pytest.MonkeyPatch, algorithm: str, response: str) -> None:
    cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    monkeypatch.setattr(secrets, "token_hex", lambda _: cnonce)
    login = Login("Mufasa:Circle of Life")
    assert login.authorization("GET", "/dir/index.html") is None
    assert login.take(["Digest " + RFC_7616.format(algorithm, NONCE, OPAQUE)])
    answer = login.authorization("GET", "/dir/index.html")
    assert answer is not None
    assert parameter(answer, "response") == response
    assert parameter(answer, "algorithm") == algorithm
    assert parameter(answer, "opaque") == OPAQUE


@pytest.mark.parametrize(("algorithm", "name"), [("MD5-sess", "md5"), ("SHA-256-sess", "sha256")])
def test_the_session_variants(algorithm: str, name: str) -> None:
    def hashed(text: str) -> str:
        return hashlib.new(name, text.encode()).hexdigest()

    login = Login("Jäger:pä:ß")
    assert login.take([f'Digest realm="r", nonce="n", qop="auth", algorithm={algorithm}'])
    answer = login.authorization("PLAY", "rtsp://h/1")
    assert answer is not None
    cnonce = parameter(answer, "cnonce")
    base = hashed(f"{hashed('Jäger:r:pä:ß')}:n:{cnonce}")
    assert parameter(answer, "response") == hashed(
        f"{base}:n:00000001:{cnonce}:auth:{hashed('PLAY:rtsp://h/1')}"
    )
    assert parameter(answer, "username") == "Jäger"


def test_the_strongest_offer_is_taken() -> None:
    def chosen(*values: str) -> str:
        login = Login("u:p")
        login.take(values)
        answer = login.authorization("PLAY", "*") or ""
        return parameter(answer, "algorithm") if "algorithm" in answer else answer.partition(" ")[0]

    md5, sha = 'Digest realm="r", nonce="n", algorithm=MD5', 'Digest realm="r", nonce="m", algorithm=SHA-256'
    basic = 'Basic realm="r, Digest x", charset="UTF-8"'
    assert chosen(basic, md5, sha) == chosen(sha, md5) == chosen(f"{basic}, {md5}, {sha}") == "SHA-256"
    assert chosen(md5, basic) == chosen(f"{basic},{md5}") == "MD5"
    assert chosen(sha + "-sess", sha) == "SHA-256-sess"
    assert chosen('Digest realm="r", nonce="n"', basic) == "Digest"
    assert chosen(basic) == chosen("basic") == chosen("Negotiate", basic) == "Basic"
    assert chosen("Negotiate abc==", "") == chosen() == ""


def test_basic_with_any_password() -> None:
    login = Login("user:pä ss:%/@ß")
    assert login.take(['Basic realm="x"'])
    scheme, _, value = (login.authorization("PLAY", "*") or "").partition(" ")
    assert scheme == "Basic"
    assert base64.b64decode(value).decode() == "user:pä ss:%/@ß"
    assert not login.stale
    assert "ss" not in repr(login)


def test_a_nonce_that_was_too_old() -> None:
    login = Login("u:p")
    assert login.take(['Digest realm="r", nonce="n", stale=TRUE'])
    assert login.stale
    assert login.take(['Digest realm="r", nonce="n", stale="false"'])
    assert not login.stale
    assert not login.take([])
    assert login.authorization("PLAY", "*") is None


@given(st.lists(st.text(max_size=80), max_size=3), user, st.text(max_size=20))
def test_any_challenge_is_judged(values: list[str], user: str, password: str) -> None:
    login = Login(f"{user}:{password}")
    for each in (values, [f"Digest {value}" for value in values]):
        assert login.take(each) == (login.authorization("PLAY", "*") is not None)
