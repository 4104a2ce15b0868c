"""The process that gets fragmented MP4."""

from valkka.multiprocess import MessageObject
from valkka_basic.base import ClientProcess
from valkka_basic.filterchain import CELLS, MP4_CELL_BYTES


class MP4Process(ClientProcess):
    """Counts the boxes and the bytes of each camera; a web server would hand them on."""

    def makeClient__(self, shmem_name):
        client = self.api2.FragMP4ShmemClient(
            name=shmem_name, n_ringbuffer=CELLS, n_size=MP4_CELL_BYTES, mstimeout=1000
        )
        client.boxes, client.bytes = {}, 0
        return client

    def pull__(self, client):
        index, meta = client.pullFrame()
        if index is None:
            return
        payload = client.shmem_list[index][0 : meta.size]
        client.boxes[meta.name] = client.boxes.get(meta.name, 0) + 1
        client.bytes += len(payload)
        if meta.name == "moof" and client.boxes["moof"] % 50 == 1:
            self.send_out__(
                MessageObject("fragments", slot=client.slot, boxes=dict(client.boxes), bytes=client.bytes)
            )
