"""The process that gets RGB pictures."""

from valkka.multiprocess import MessageObject
from valkka_basic.base import ClientProcess
from valkka_basic.filterchain import CELLS, HEIGHT, WIDTH


class AnalyzerProcess(ClientProcess):
    """Tells of each camera how bright it is, now and then."""

    def makeClient__(self, shmem_name):
        client = self.api2.ShmemRGBClient(
            name=shmem_name, n_ringbuffer=CELLS, width=WIDTH, height=HEIGHT, mstimeout=1000
        )
        client.pictures = 0
        return client

    def pull__(self, client):
        index, meta = client.pullFrame()
        if index is None:
            return
        image = client.shmem_list[index][0 : meta.size].reshape((meta.height, meta.width, 3))
        client.pictures += 1
        if client.pictures % 10 == 1:
            self.send_out__(
                MessageObject(
                    "brightness", slot=meta.slot, mean=float(image.mean()), pictures=client.pictures
                )
            )
