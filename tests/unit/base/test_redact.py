import time
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from camgraph.base.redact import empty_places, fill_login, join_login, redact, split_login

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=20)


@given(user=secrets, password=secrets)
def test_a_login_in_a_url_is_split_off_decoded_and_never_shown(user: str, password: str) -> None:
    url = f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@camera.example:554/live?a=1"
    assert split_login(url) == ("rtsp://camera.example:554/live?a=1", f"{user}:{password}")
    assert split_login(join_login(*split_login(url))) == split_login(url)
    shown = redact(f"opening {url} failed")
    assert quote(password, safe="") not in shown
    assert shown == "opening rtsp://***@camera.example:554/live?a=1 failed"


@pytest.mark.parametrize(
    "url", ["rtsp://host/1", "rtsp://[::1]:8554/1", "rtsp://host/1?channel=1", "no url at all", ""]
)
def test_what_carries_no_login_stays_as_it_is(url: str) -> None:
    assert split_login(url) == (url, None)
    assert join_login(url, None) == url
    assert redact(url) == url


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("rtsp://me/me/p@s/2?x=p%40s&y=p@s", "rtsp://me/{user}/{password}/2?x={password}&y={password}"),
        ("rtsp://h/mean/p@s1?me", "rtsp://h/mean/p@s1?{user}"),
        ("rtsp://h", "rtsp://h"),
    ],
)
def test_what_a_camera_sends_back_of_a_login_is_taken_out(sent: str, shown: str) -> None:
    assert empty_places(sent, "me:p@s") == shown
    assert empty_places(sent, ":") == sent
    assert unquote(fill_login(shown, "me:p@s")) == unquote(sent)


def test_a_long_word_is_looked_through_in_no_time() -> None:
    word = "a" * (1 << 16)
    began_ns = time.thread_time_ns()
    assert redact(f"{word}://me:p@h {word}") == f"{word}://***@h {word}"
    assert time.thread_time_ns() - began_ns < 200_000_000


def test_a_password_with_an_at_sign_is_hidden_whole() -> None:
    assert redact("rtsp://me:p@ss@host/1") == "rtsp://***@host/1"
    assert split_login("rtsp://me:p@ss@host/1") == ("rtsp://host/1", "me:p@ss")


@pytest.mark.parametrize(
    ("url", "shown", "login"),
    [
        ("http://h/v?user=me&pwd=p%40ss", "http://h/v?user={user}&pwd={password}", "me:p@ss"),
        (
            "http://h/v.cgi?x=1&UserName=me&PASSWD=",
            "http://h/v.cgi?x=1&UserName={user}&PASSWD={password}",
            "me:",
        ),
        ("http://h/?loginuse=a;loginpas=b;c=d", "http://h/?loginuse={user};loginpas={password};c=d", "a:b"),
        ("http://h/?account=a+b&pw=a_b=c/d?e#f", "http://h/?account={user}&pw={password}", "a b:a_b=c/d?e#f"),
        (
            "rtsp://h/user=me&password=a_b&channel=1&stream=0.sdp?real",
            "rtsp://h/user={user}&password={password}&channel=1&stream=0.sdp?real",
            "me:a_b",
        ),
        (
            "rtsp://h:1/user=me_password=a_b_channel=1_stream=0.sdp?real",
            "rtsp://h:1/user={user}_password={password}_channel=1_stream=0.sdp?real",
            "me:a_b",
        ),
        ("rtsp://h/login=me/pass=x/1", "rtsp://h/login={user}/pass={password}/1", "me:x"),
        ("rtsp://me:x@h/1?pwd=x", "rtsp://h/1?pwd={password}", "me:x"),
        ("rtsp://h/1?account=5&usr=me&pwd=x", "rtsp://h/1?account={user}&usr=me&pwd={password}", "5:x"),
        ("rtsp://h/1?user=a:b&pwd=x", "rtsp://h/1?user=a:b&pwd={password}", ":x"),
        ("rtsp://h/1?user=me", "rtsp://h/1?user=me", None),
        ("rtsp://h/1?user={user}&pwd={password}", "rtsp://h/1?user={user}&pwd={password}", None),
    ],
)
def test_a_login_in_query_or_path_leaves_places_behind(url: str, shown: str, login: str | None) -> None:
    assert split_login(url) == (shown, login)


@given(
    user=secrets.filter(lambda user: ":" not in user),
    password=secrets,
    form=st.sampled_from(["?usr={}&pwd={}&a=1", "user={}&password={}&a=1"]),
)
def test_what_stood_in_query_or_path_comes_back_when_it_is_used(user: str, password: str, form: str) -> None:
    url = f"http://h/{form.format(quote(user, safe=''), quote(password, safe=''))}"
    shown, login = split_login(url)
    assert (shown, login) == (f"http://h/{form.format('{user}', '{password}')}", f"{user}:{password}")
    assume(not (user in redact(shown) or password in redact(shown)))
    used = fill_login(shown, login)
    assert unquote(used) == unquote(url)
    assert split_login(used) == split_login(join_login(shown, login)) == (shown, login)
    for text in (url, used, join_login(shown, login)):
        assert redact(f"to {text} from") == f"to {redact(text)} from"
        for secret in (password, quote(password, safe=""), user):
            assert secret not in redact(text)


@pytest.mark.parametrize("query", ["pwd=a&passwd=hidden", "user=me&pwd=hidden", "pwd=hidden&user={user}"])
def test_two_logins_are_refused_and_not_shown(query: str) -> None:
    with pytest.raises(ValueError, match="two logins") as raised:
        split_login(f"rtsp://me:word@h/?{query}")
    assert "hidden" not in str(raised.value)


def test_tokens_and_keys_are_masked() -> None:
    assert redact("GET /v?token=a&api_key=b;c&x=1 HTTP") == "GET /v?token=***&api_key=***&x=1 HTTP"
