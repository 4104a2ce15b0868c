"""The placement of streams, whatever graphs and loads follow one another."""

import math

from hypothesis import given
from hypothesis import strategies as st

from camgraph.control.messages import PlacementRule
from camgraph.supervisor.placement import RULE, Placement

SMALL = PlacementRule(most_streams=4, most_cores=1.0, assumed_cores=0.05)
NAMES = [f"camera-{number}" for number in range(20)]

graphs = st.dictionaries(st.sampled_from(NAMES), st.booleans())
loads = st.dictionaries(st.sampled_from(NAMES), st.floats(0.0, 1.5))
rules = st.sampled_from([RULE, SMALL])


def load_of(placement: Placement, name: str, cores: dict[str, float]) -> float:
    return sum(cores.get(stream, placement.rule.assumed_cores) for stream in placement.seats[name].streams)


def check(placement: Placement, streams: dict[str, bool]) -> None:
    """What holds of every placement."""
    placed = [stream for seat in placement.seats.values() for stream in seat.streams]
    assert sorted(placed) == sorted(streams)
    for name, seat in placement.seats.items():
        assert seat.streams
        if seat.own:
            assert [streams[stream] for stream in seat.streams] == [True]
        else:
            assert not any(streams[stream] for stream in seat.streams)
            assert len(seat.streams) <= placement.rule.most_streams
        assert all(placement.process_of(stream) == name for stream in seat.streams)


@given(rules, st.lists(st.tuples(graphs, loads), max_size=4))
def test_every_stream_has_one_place_and_keeps_it(
    rule: PlacementRule, story: list[tuple[dict[str, bool], dict[str, float]]]
) -> None:
    placement = Placement(rule)
    before: dict[str, bool] = {}
    for streams, cores in story:
        places = {stream: placement.process_of(stream) for stream in before}
        placement.assign(streams, cores)
        check(placement, streams)
        for stream, own in before.items():
            if streams.get(stream) is own:
                assert placement.process_of(stream) == places[stream]
        seats = dict(placement.seats)
        placement.assign(streams, cores)
        assert placement.seats == seats
        before = streams


@given(rules, graphs, loads)
def test_no_process_gets_a_stream_that_would_overload_it(
    rule: PlacementRule, streams: dict[str, bool], cores: dict[str, float]
) -> None:
    placement = Placement(rule)
    placement.assign(streams, cores)
    for name, seat in placement.seats.items():
        assert len(seat.streams) == 1 or load_of(placement, name, cores) <= rule.most_cores + 1e-9


@given(rules, graphs)
def test_streams_that_were_not_measured_share_as_few_processes_as_hold_them(
    rule: PlacementRule, streams: dict[str, bool]
) -> None:
    placement = Placement(rule)
    placement.assign(streams, {})
    sharing = sum(not own for own in streams.values())
    shared = [len(seat.streams) for seat in placement.seats.values() if not seat.own]
    assert len(shared) == math.ceil(sharing / rule.most_streams)
    assert not shared or max(shared) - min(shared) <= 1


@given(rules, graphs, loads, loads)
def test_relieving_ends_and_overloads_nobody(
    rule: PlacementRule, streams: dict[str, bool], first: dict[str, float], later: dict[str, float]
) -> None:
    placement = Placement(rule)
    placement.assign(streams, first)
    for _ in range(len(streams) + 1):
        before = {name: load_of(placement, name, later) for name in placement.seats}
        places = {stream: placement.process_of(stream) for stream in streams}
        moved = placement.relieve(later)
        check(placement, streams)
        changed = [stream for stream in streams if placement.process_of(stream) != places[stream]]
        assert changed == ([] if moved is None else [moved])
        if moved is None:
            break
        source, target = places[moved], placement.process_of(moved)
        assert source is not None
        assert target is not None
        assert before[source] > rule.most_cores
        assert target not in before or load_of(placement, target, later) <= rule.most_cores
    else:
        raise AssertionError("it moves streams without end")
    for name, seat in placement.seats.items():
        if not seat.own and len(seat.streams) > 1:
            assert load_of(placement, name, later) <= rule.most_cores


def test_the_rule_as_it_is() -> None:
    placement = Placement()
    placement.assign({name: name == "camera-3" for name in NAMES}, {})
    assert {name: len(seat.streams) for name, seat in placement.seats.items()} == {
        "media-1": 1,
        "media-2": 7,
        "media-3": 6,
        "media-4": 6,
    }
    assert placement.seats["media-1"].streams == ("camera-3",)
