from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camgraph.base.redact import join_login, redact, split_login

secrets = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=8, max_size=20)


@given(user=secrets, password=secrets)
def test_a_login_in_a_url_is_split_off_decoded_and_never_shown(user: str, password: str) -> None:
    url = f"rtsp://{quote(user, safe='')}:{quote(password, safe='')}@camera.example:554/live?a=1"
    assert split_login(url) == ("rtsp://camera.example:554/live?a=1", f"{user}:{password}")
    assert split_login(join_login(*split_login(url))) == split_login(url)
    shown = redact(f"opening {url} failed")
    assert quote(password, safe="") not in shown
    assert shown == "opening rtsp://***@camera.example:554/live?a=1 failed"


@pytest.mark.parametrize("url", ["rtsp://host/1", "rtsp://[::1]:8554/1", "no url at all", ""])
def test_what_carries_no_login_stays_as_it_is(url: str) -> None:
    assert split_login(url) == (url, None)
    assert join_login(url, None) == url
    assert redact(url) == url


def test_a_password_with_an_at_sign_is_hidden_whole() -> None:
    assert redact("rtsp://me:p@ss@host/1") == "rtsp://***@host/1"
    assert split_login("rtsp://me:p@ss@host/1") == ("rtsp://host/1", "me:p@ss")
