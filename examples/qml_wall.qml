import QtQuick
import QtQuick.Window
import Camgraph

Window {
    id: window

    required property var streams // a StreamModel

    title: "Cameras"
    width: 640
    height: 360
    visible: true
    color: "black"

    GridView {
        id: grid

        readonly property int columns: Math.max(1, Math.ceil(Math.sqrt(count)))

        anchors.fill: parent
        interactive: false
        visible: !alone.visible // what is not seen reads nothing
        cellWidth: Math.floor(width / columns)
        cellHeight: Math.floor(height / Math.max(1, Math.ceil(count / columns)))
        model: window.streams

        delegate: VideoItem {
            id: tile

            required stream
            required property string name
            required property var fps // null or undefined until it is known

            width: grid.cellWidth
            height: grid.cellHeight
            Accessible.name: name
            Accessible.description: words

            Text {
                x: 6
                y: 4
                color: "white"
                style: Text.Outline
                visible: tile.hasPicture
                text: tile.fps == null ? tile.name : tile.name + " " + tile.fps.toFixed(1) + " fps"
            }

            TapHandler {
                onTapped: alone.stream = tile.stream
            }
        }
    }

    VideoItem {
        id: alone

        anchors.fill: parent
        visible: streamName !== ""
        fit: "cover"

        TapHandler {
            onTapped: alone.stream = null
        }

        WheelHandler {
            onWheel: event => alone.zoomBy(Math.pow(1.2, event.angleDelta.y / 120), Qt.point(event.x, event.y))
        }
    }
}
