"""The kernel's counter tells how many it has killed; each death takes one of them."""

from camgraph.supervisor.oom import OomKills, own_oom_kills


class Counter:
    """The kernel's."""

    def __init__(self, count: int | None) -> None:
        self.count = count

    def __call__(self) -> int | None:
        return self.count


def test_each_kill_explains_one_death() -> None:
    kernel = Counter(7)
    kills = OomKills(kernel)
    before = kills.count()
    assert not kills.explains(before)
    kernel.count = 9
    assert [kills.explains(before) for _ in range(3)] == [True, True, False]


def test_what_came_before_a_process_explains_nothing() -> None:
    kernel = Counter(0)
    kills = OomKills(kernel)
    kernel.count = 5
    before = kills.count()
    assert not kills.explains(before)
    kernel.count = 6
    assert kills.explains(before)
    assert not kills.explains(before)


def test_a_counter_that_is_not_known_explains_nothing() -> None:
    kernel = Counter(None)
    kills = OomKills(kernel)
    assert not kills.explains(kills.count())
    assert own_oom_kills() is own_oom_kills()
