"""The kernel's counter tells how many it has killed; each death takes one of them."""

from camgraph.base.oom import OUT_OF_MEMORY, OomKills, own_oom_kills


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
    assert kills.describe_exit(-9, before) == "signal SIGKILL"
    kernel.count = 9
    assert [kills.describe_exit(-9, before) for _ in range(3)] == [
        OUT_OF_MEMORY,
        OUT_OF_MEMORY,
        "signal SIGKILL",
    ]


def test_what_came_before_a_process_explains_nothing() -> None:
    kernel = Counter(0)
    kills = OomKills(kernel)
    kernel.count = 5
    before = kills.count()
    assert kills.describe_exit(-9, before) == "signal SIGKILL"
    kernel.count = 6
    assert kills.describe_exit(-9, before) == OUT_OF_MEMORY
    assert kills.describe_exit(-9, before) == "signal SIGKILL"


def test_another_end_takes_no_kill() -> None:
    kernel = Counter(0)
    kills = OomKills(kernel)
    kernel.count = 1
    assert kills.describe_exit(3, 0) == "exit code 3"
    assert kills.describe_exit(-15, 0) == "signal SIGTERM"
    assert kills.describe_exit(-9, 0) == OUT_OF_MEMORY


def test_a_counter_that_is_not_known_explains_nothing() -> None:
    kills = OomKills(Counter(None))
    assert kills.describe_exit(-9, kills.count()) == "signal SIGKILL"
    assert own_oom_kills() is own_oom_kills()
