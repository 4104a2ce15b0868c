"""Debian's gst-rtsp-server with pictures of a file, over and over: a server that is not ours.

``/usr/bin/python3 gst_server_program.py RAW WIDTH HEIGHT [USER PASSWORD]``: yuv420p, 25 pictures a second, at
/h264, /h265 and /jpeg. Prints its port, or what is missing, and ends with its standard input.
"""

import sys

try:
    import gi

    for library in ("Gst", "GstRtsp", "GstRtspServer"):
        gi.require_version(library, "1.0")
    from gi.repository import GLib, Gst, GstRtsp, GstRtspServer
except (ImportError, ValueError) as error:
    sys.exit(f"missing: {error}")

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=2000 ! rtph264pay",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast key-int-max=25 bitrate=2000 ! rtph265pay",
    "jpeg": "jpegenc ! rtpjpegpay",
}
ROLE = "viewer"


def main(raw: str, width: str, height: str, *login: str) -> None:
    """Serve until standard input ends."""
    Gst.init(None)
    loop, server = GLib.MainLoop(), GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    if login:
        server.set_auth(authentication(*login))
    pictures = (
        f"multifilesrc location={raw} loop=true blocksize=65536 "
        f"! rawvideoparse format=i420 width={width} height={height} framerate=25/1 ! videoconvert"
    )
    for name, encoder in ENCODERS.items():
        if Gst.ElementFactory.find(encoder.split()[0]) is None:
            continue
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(f"( {pictures} ! {encoder} name=pay0 config-interval=0 pt=96 )")
        if name == "jpeg":
            factory.set_launch(f"( {pictures} ! {encoder} name=pay0 pt=26 )")
        factory.set_shared(True)
        factory.set_multicast_iface("lo")
        pool = GstRtspServer.RTSPAddressPool()
        pool.add_range("239.254.7.1", "239.254.7.9", 45000, 45200, 1)
        factory.set_address_pool(pool)
        if login:
            permissions = GstRtspServer.RTSPPermissions()
            for what in ("access", "construct"):
                permissions.add_permission_for_role(ROLE, f"media.factory.{what}", True)
            factory.set_permissions(permissions)
        server.get_mount_points().add_factory(f"/{name}", factory)
    if server.attach(None) == 0:
        sys.exit("missing: a port")
    GLib.io_add_watch(0, GLib.IO_HUP, lambda *_: loop.quit())
    print(server.get_bound_port(), flush=True)
    loop.run()


def authentication(user: str, password: str) -> "GstRtspServer.RTSPAuth":
    """Return what lets one user in, by digest."""
    auth, token = GstRtspServer.RTSPAuth(), GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
    auth.add_digest(user, password, token)
    return auth


if __name__ == "__main__":
    main(*sys.argv[1:])
