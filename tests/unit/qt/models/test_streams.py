"""The model of a site's streams, watched by Qt's own tester of models."""

import random
import threading
import time

import pytest
from qtpy.QtCore import QSortFilterProxyModel, Qt
from qtpy.QtTest import QAbstractItemModelTester
from qtpy.QtWidgets import QFrame, QTableView

from camgraph.base.errors import BrokenError
from camgraph.control.messages import PlacementRule, RingStatistics, SiteStatistics, StreamStatistics
from camgraph.qt import StreamModel, StreamRole
from camgraph.qt.mime import stream_of

FATAL = QAbstractItemModelTester.FailureReportingMode.Fatal
DISPLAY = Qt.ItemDataRole.DisplayRole


def told_numbers(fps: float) -> SiteStatistics:
    ring = RingStatistics(
        stream="door",
        format="bgra",
        width=2,
        height=2,
        fps=0.0,
        readers=2,
        published=1,
        behind=0,
        no_slot=0,
    )
    door = StreamStatistics(
        received=1,
        decoded=1,
        dropped=0,
        conversions=1,
        attempts=1,
        fps=fps,
        bit_rate=2e6,
        lost=3,
        rings=(ring,),
    )
    rule = PlacementRule(most_streams=1, most_cores=1.0, assumed_cores=1.0)
    return SiteStatistics(token=1, streams={"door": door}, media=(), rule=rule, processes={}, clients=1)


@pytest.fixture
def numbered(make_site):
    """A site that tells numbers, and in which threads it was asked for them."""
    site = make_site(door=(1280, 720), yard=(640, 480))
    site.asked = []
    site.numbers = told_numbers(25.0)

    def statistics(timeout):
        site.asked.append(threading.current_thread())
        if site.numbers is None:
            raise BrokenError("nobody is there")
        return site.numbers

    site.statistics = statistics
    return site


@pytest.fixture
def watched(gui):
    """Make models that are tested while they are used; they end before their site."""
    made = []

    def make(site):
        model = StreamModel(site)
        made.append((model, QAbstractItemModelTester(model, FATAL)))
        return model

    yield make
    for model, tester in made:
        tester.deleteLater()
        model.deleteLater()
    gui.delete_later()


def rest(gui, seconds):
    """Let time pass in which nothing is to happen."""
    ended = time.monotonic() + seconds
    gui.until(lambda: time.monotonic() > ended)


def row(model, number, role):
    return model.index(number, 0).data(role)


def names(model):
    return [row(model, number, StreamRole.NAME) for number in range(model.rowCount())]


def test_states_are_there_at_once_and_follow(gui, make_site, watched):
    site = make_site(door=(1280, 720), yard=(640, 480))
    model = watched(site)
    assert names(model) == ["door", "yard"]
    assert row(model, 0, StreamRole.STREAM) is site.streams["door"]
    assert [model.index(0, column).data(DISPLAY) for column in range(4)] == ["door", "live", "1280", "720"]
    assert [model.headerData(one, Qt.Orientation.Horizontal) for one in (0, 4)] == ["Stream", "fps"]
    changed = []
    model.dataChanged.connect(lambda first, last, roles: changed.append((first.row(), last.row())))
    site.status("yard", "unauthorized", reason="unauthorized", sentence="The login is wrong.")
    gui.until(lambda: changed)
    assert changed == [(1, 1)]
    assert row(model, 1, StreamRole.STATE) == "unauthorized"
    assert row(model, 1, StreamRole.WORDS) == "login refused"
    assert row(model, 1, Qt.ItemDataRole.ToolTipRole) == "The login is wrong."
    assert row(model, 1, StreamRole.HAS_PICTURE) is False
    assert row(model, 1, StreamRole.WIDTH) is None


def test_names_for_qml_are_none_that_its_items_have(make_site, watched):
    roles = {bytes(name).decode() for name in watched(make_site(door=(2, 2))).roleNames().values()}
    assert {"stream", "name", "streamState", "words", "sentence", "countdown", "fps", "bitRate"} <= roles
    assert not roles & {"state", "width", "height", "x", "y", "data", "index", "model", "visible"}


def test_a_row_can_be_dragged_onto_a_widget(make_site, watched):
    site = make_site(door=(2, 2), yard=(2, 2))
    model = watched(site)
    assert model.flags(model.index(1, 2)) & Qt.ItemFlag.ItemIsDragEnabled
    dragged = model.mimeData([model.index(1, 0), model.index(1, 1)])
    assert set(dragged.formats()) >= set(model.mimeTypes())
    assert stream_of(dragged) is site.streams["yard"]


def test_streams_come_go_and_move(gui, make_site, watched):
    site = make_site(door=(2, 2), yard=(2, 2), hall=(2, 2))
    model = watched(site)
    kept = model.index(1, 0)
    happened: list[tuple[object, ...]] = []
    model.rowsInserted.connect(lambda parent, first, last: happened.append(("in", first, last)))
    model.rowsRemoved.connect(lambda parent, first, last: happened.append(("out", first, last)))
    model.rowsMoved.connect(lambda *_: happened.append(("moved",)))
    site.sizes["gate"] = (2, 2)
    wanted = ["hall", "gate", "yard"]
    site.streams.set_names(wanted)
    site.board.set_names(wanted)
    gui.until(lambda: names(model) == wanted)
    assert happened == [("out", 0, 0), ("moved",), ("in", 1, 1)]
    assert kept.row() == 1
    site.status("gate")
    gui.until(lambda: row(model, 1, StreamRole.STATE) == "live")
    # One of the same name is another stream.
    old = row(model, 0, StreamRole.STREAM)
    site.streams.set_names(wanted[1:])
    site.streams.set_names(wanted)
    site.board.set_names(wanted[1:])
    site.board.set_names(wanted)
    site.board.set_names(wanted[:2])
    gui.until(lambda: row(model, 0, StreamRole.STREAM) is not old)
    assert row(model, 0, StreamRole.STREAM) is site.streams["hall"]


def test_one_that_went_and_came_before_that_was_told_is_another_stream(gui, make_site, watched):
    site = make_site(door=(2, 2), yard=(2, 2))
    model = watched(site)
    old = site.streams["door"]
    for wanted in (["yard"], ["yard", "door"]):
        site.streams.set_names(wanted)
        site.board.set_names(wanted)
    gui.until(lambda: row(model, 1, StreamRole.STREAM) is site.streams["door"])
    assert site.streams["door"] is not old
    assert names(model) == ["yard", "door"]


def test_whatever_becomes_of_a_site_the_rows_are_its_streams(gui, make_site, watched):
    site = make_site(a=(2, 2))
    model = watched(site)
    in_order = QSortFilterProxyModel(model)
    in_order.setSourceModel(model)
    in_order.setSortRole(StreamRole.VALUE)
    in_order.sort(1)
    dice = random.Random(1)
    for _ in range(60):
        for _ in range(dice.randrange(1, 4)):
            site.become(**dict.fromkeys(dice.sample("abcdefgh", dice.randrange(7)), (2, 2)))
        for name in site.streams:
            site.status(name, dice.choice(["opening", "live", "backing_off"]))
        gui.settle()
        assert sorted(names(model)) == sorted(site.streams)
        for number, name in enumerate(names(model)):
            assert row(model, number, StreamRole.STREAM) is site.streams[name]
            assert row(model, number, StreamRole.STATE) == site.streams[name].status.state
        states = [row(in_order, number, StreamRole.WORDS) for number in range(in_order.rowCount())]
        assert states == sorted(row(model, number, StreamRole.WORDS) for number in range(model.rowCount()))


def test_numbers_come_from_a_thread_while_they_are_read(gui, numbered, watched):
    model = watched(numbered)
    assert row(model, 0, StreamRole.FPS) is None
    gui.until(lambda: row(model, 0, StreamRole.FPS) == 25.0)
    assert threading.main_thread() not in numbered.asked
    assert row(model, 0, StreamRole.READERS) == 2
    assert model.index(0, 5).data(DISPLAY) == "2.00"
    assert model.index(0, 5).data(StreamRole.VALUE) == 2e6
    # Of a stream that filters make there are no numbers but its readers.
    assert row(model, 1, StreamRole.FPS) is None
    assert row(model, 1, StreamRole.READERS) == 0
    numbered.numbers = None
    gui.until(lambda: row(model, 0, StreamRole.FPS) is None)


def test_who_reads_no_number_has_none_asked(gui, numbered, watched):
    model = watched(numbered)
    changes = []
    model.dataChanged.connect(lambda *_: changes.append(row(model, 0, StreamRole.WORDS)))
    for _ in range(4):
        numbered.status("door", "opening")
        gui.until(lambda: changes.pop() == "connecting" if changes else False)
        numbered.status("door")
        gui.until(lambda: changes.pop() == "live" if changes else False)
    assert not numbered.asked


def test_a_view_asks_while_it_is_on_the_screen(gui, numbered, watched):
    model = watched(numbered)
    model._asker._pause.setInterval(100)
    view = QTableView()
    view.setModel(model)
    # Qt draws frames and headings with threads of its own.
    view.setFrameShape(QFrame.Shape.NoFrame)
    view.horizontalHeader().hide()
    view.verticalHeader().hide()
    view.resize(900, 200)
    view.show()
    gui.until(lambda: len(numbered.asked) == 4)
    view.hide()
    # What was wanted last is asked for still.
    rest(gui, 0.5)
    asked = len(numbered.asked)
    assert asked <= 5
    rest(gui, 0.5)
    assert len(numbered.asked) == asked
    view.show()
    gui.until(lambda: len(numbered.asked) > asked + 1)


def test_seconds_to_the_next_attempt_are_counted_while_they_are_read(gui, make_site, watched):
    site = make_site(door=(2, 2))
    model = watched(site)
    seen = []
    model.dataChanged.connect(
        lambda *_: seen.append((row(model, 0, StreamRole.COUNTDOWN), row(model, 0, StreamRole.SENTENCE)))
    )
    due_ns = time.monotonic_ns() + 1_900_000_000
    site.status("door", "backing_off", sentence="It is off. Next attempt in 1.9 s.", next_attempt_ns=due_ns)
    gui.until(lambda: len(seen) == 3)
    assert seen == [
        (2, "It is off. Next attempt in 2 s."),
        (1, "It is off. Next attempt in 1 s."),
        (0, "It is off. Trying again now."),
    ]
    assert 0 <= time.monotonic_ns() - due_ns < 500_000_000


def test_a_site_that_is_closed_is_told_and_asked_no_more(gui, numbered, watched):
    model = watched(numbered)
    gui.until(lambda: row(model, 0, StreamRole.FPS) == 25.0)
    asked = len(numbered.asked)
    numbered.close()
    gui.until(lambda: row(model, 0, StreamRole.STATE) == "stopped")
    assert row(model, 0, StreamRole.SENTENCE) == "The site is closed."
    rest(gui, 1.2)
    assert row(model, 0, StreamRole.LOST) == 3
    assert len(numbered.asked) <= asked + 1


def test_a_model_that_is_forgotten_leaves_nothing(gui, numbered):
    model = StreamModel(numbered)
    assert row(model, 0, StreamRole.FPS) is None
    assert len(numbered.close_callbacks) == 1
    del model
    gui.delete_later()
    gui.until(lambda: not numbered.close_callbacks)
