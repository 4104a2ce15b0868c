"""Digest login: the standard's own example, both sides together, and what must not open the gate."""

import re
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.media.rtsp.auth import (
    Challenge,
    DigestLogin,
    digest,
    digest_response,
    find_challenge,
    parameters,
)
from camgraph.media.rtsp.gate import Gate

name = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), min_size=1, max_size=20)
user = name.filter(lambda text: ":" not in text)


def parameter(header: str, key: str) -> str:
    found = re.search(rf'\b{key}="?([^",]*)', header)
    assert found is not None
    return found[1]


def test_the_example_of_rfc_2617(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "0a4f113b")
    challenge = find_challenge(
        [
            'Digest realm="testrealm@host.com", qop="auth,auth-int", '
            'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
        ]
    )
    assert challenge is not None
    answer = DigestLogin("Mufasa", "Circle Of Life").answer(challenge, "GET", "/dir/index.html")
    assert parameter(answer, "response") == "6629fae49393a05397450978507c4ef1"
    assert parameter(answer, "opaque") == "5ccc069c403ebaf9f0171e9517f40e41"
    assert parameter(answer, "nc") == "00000001"


def test_without_qop_as_in_rfc_2069() -> None:
    challenge = find_challenge(["Basic realm=x", 'Digest realm="cam", nonce="abc"'])
    assert challenge == Challenge("cam", "abc")
    answer = DigestLogin("user", "pass").answer(challenge, "DESCRIBE", "rtsp://h/1")
    assert parameter(answer, "response") == "1bc948ff3dc45ae5fec56818eb17576c"
    assert "qop" not in answer
    assert "cnonce" not in answer


@given(user, name, name, st.sampled_from(["DESCRIBE", "PLAY"]))
def test_the_right_login_opens(user: str, password: str, realm: str, method: str) -> None:
    gate = Gate(realm, user, password)
    challenge = find_challenge(gate.challenges)
    assert challenge is not None
    answer = DigestLogin(user, password).answer(challenge, method, "rtsp://h/1")
    assert gate.admits(answer, method, "rtsp://h/1")
    for other in (
        Challenge(realm, challenge.nonce, "auth", "MD5"),
        Challenge(realm, challenge.nonce, "auth"),
    ):
        login = DigestLogin(user, password)
        assert gate.admits(login.answer(other, method, "rtsp://h/1"), method, "rtsp://h/1")


@given(user, name, name)
def test_nothing_else_opens(user: str, password: str, realm: str) -> None:
    gate, other = Gate(realm, user, password), Gate(realm, user, password)
    challenge, foreign = find_challenge(gate.challenges), find_challenge(other.challenges)
    assert challenge is not None
    assert foreign is not None
    login, url = DigestLogin(user, password), "rtsp://h/1"
    right = login.answer(challenge, "PLAY", url)
    assert not gate.admits(None, "PLAY", url)
    assert not gate.admits("Digest", "PLAY", url)
    assert not gate.admits(right.replace("Digest", "Basic", 1), "PLAY", url)
    assert not gate.admits(right, "TEARDOWN", url)
    assert not gate.admits(right, "PLAY", "rtsp://h/2")
    assert not gate.admits(DigestLogin(user, password + "x").answer(challenge, "PLAY", url), "PLAY", url)
    assert not gate.admits(DigestLogin(user + "x", password).answer(challenge, "PLAY", url), "PLAY", url)
    assert not gate.admits(login.answer(foreign, "PLAY", url), "PLAY", url)


@given(st.text(max_size=200))
def test_any_text_is_judged_without_an_error(text: str) -> None:
    assert not Gate("realm", "user", "password").admits(text, "PLAY", "rtsp://h/1")
    find_challenge([text, f"Digest {text}"])


def test_only_what_can_be_answered_is_taken() -> None:
    assert find_challenge([]) is None
    assert find_challenge(['Basic realm="x"']) is None
    assert find_challenge(['Digest realm="x", nonce="n", algorithm=SHA-512-256']) is None
    assert find_challenge(['Digest realm="x", nonce="n", qop="auth-int"']) is None
    found = find_challenge(['Digest realm="x", nonce="n", algorithm=SHA-1', 'Digest realm="y", nonce="m"'])
    assert found == Challenge("y", "m")


def test_the_counter_grows_with_one_nonce_and_begins_with_a_new_one() -> None:
    login = DigestLogin("u", "p")
    counts = [
        parameter(login.answer(Challenge("r", nonce, "auth"), "PLAY", "*"), "nc")
        for nonce in ("a", "a", "a", "b")
    ]
    assert counts == ["00000001", "00000002", "00000003", "00000001"]


def test_a_session_has_one_key() -> None:
    client, own = DigestLogin("me", "pw"), []
    for nonce in ("one", "one", "two"):
        challenge = Challenge("cam", nonce, qop="auth", algorithm="MD5-sess")
        answer = parameters(client.answer(challenge, "PLAY", "rtsp://h/"))
        own.append(answer["cnonce"])
        key = digest("MD5", digest("MD5", "me", "cam", "pw"), nonce, own[-1])
        proof = digest_response("MD5", key, nonce, "PLAY", "rtsp://h/", "auth", answer["nc"], own[-1])
        assert answer["response"] == proof
    assert own[0] == own[1] != own[2]


def test_passwords_are_not_shown() -> None:
    assert "sesame" not in repr(DigestLogin("user", "sesame")) + repr(Gate("r", "user", "sesame"))
