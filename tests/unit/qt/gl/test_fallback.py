"""Where Qt's platform has no OpenGL, tiles are drawn without, and the log says so once."""

from qtpy.QtWidgets import QWidget

from camgraph.qt import VideoWidget
from camgraph.qt.gl.support import tell_fallback


def test_offscreen_there_is_none(gui, make_site, caplog) -> None:
    tell_fallback.cache_clear()
    site = make_site(door=(320, 180))
    window = QWidget()
    window.resize(640, 180)
    tiles = [VideoWidget(site.streams["door"], window) for _ in range(2)]
    for number, tile in enumerate(tiles):
        tile.setGeometry(number * 320, 0, 320, 180)
        tile.gl = True
        assert not tile.gl
    window.show()
    for tile in tiles:
        gui.play(site.streams["door"], tile)
        assert gui.pixels(tile)[40, 40].tolist() == [255, 0, 0]
    said = [record.getMessage() for record in caplog.records]
    assert said == ["video is drawn without OpenGL: Qt's platform 'offscreen' has no OpenGL for widgets"]
