"""A process that waits for messages and for event file descriptors at once."""

from valkka.multiprocess import MessageObject, MessageProcess, safe_select


class ClientProcess(MessageProcess):
    """Has shared-memory clients, each with its event file descriptor out of a group made before the fork."""

    def __init__(self, name, event_group):
        super().__init__(name=name)
        # Inherited at the fork: an index, sent in a message, says which is meant.
        self.event_group = event_group
        self.clients = {}

    # *** front end ***

    def listen(self, slot, shmem_name, event_index):
        self.sendMessageToBack(
            MessageObject("listen", slot=slot, shmem_name=shmem_name, event_index=event_index)
        )

    def forget(self, slot):
        self.sendMessageToBack(MessageObject("forget", slot=slot))

    # *** back end ***

    def preRun__(self):
        """Heavy libraries are imported here, on this side of the fork."""
        from valkka import api2

        self.api2 = api2

    def postRun__(self):
        self.clients.clear()

    def readPipes__(self, timeout):
        waiting = {client.event.getFd(): client for client in self.clients.values()}
        readable, _, _ = safe_select([self.back_pipe, *waiting], [], [], timeout=timeout)
        for one in readable:
            if one is self.back_pipe:
                self.handleBackPipe__(self.back_pipe)
            else:
                self.pull__(waiting[one])

    def c__listen(self, slot, shmem_name, event_index):
        client = self.makeClient__(shmem_name)
        client.event = self.event_group.fromIndex(event_index)
        client.slot = slot
        client.useEventFd(client.event)
        self.clients[slot] = client

    def c__forget(self, slot):
        self.clients.pop(slot, None)

    def makeClient__(self, shmem_name):
        raise NotImplementedError

    def pull__(self, client):
        raise NotImplementedError
