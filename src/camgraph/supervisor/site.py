"""The supervisor of one site: its programs' wishes in, its processes' news out."""

import logging
import socket

from camgraph.base.descriptors import close_all
from camgraph.base.errors import GraphError
from camgraph.base.loop import Loop
from camgraph.base.withheld import blot_out, forget_withheld, withhold
from camgraph.control.messages import (
    Answer,
    Apply,
    AskStatistics,
    Attach,
    Do,
    FromSupervisor,
    GraphChanged,
    Listen,
    MediaStatus,
    NodeEvent,
    Ping,
    Pong,
    Secrets,
    Shutdown,
    SiteStatistics,
    Spawn,
    StreamStatus,
    Terminate,
    ToSupervisor,
    Watch,
)
from camgraph.graph.changes import GraphDiff, commanded, diff
from camgraph.graph.secrets import variables_of
from camgraph.graph.spec import GraphSpec, check_spec, references_of
from camgraph.supervisor.broker import Broker
from camgraph.supervisor.doors import RingDoors
from camgraph.supervisor.memory import MemoryLedger
from camgraph.supervisor.pool import MediaPool, Streams
from camgraph.supervisor.program import Program

_log = logging.getLogger(__name__)

END_WITHIN_S = 4.0


class SiteSupervisor:
    """Serves a site until its owner says Shutdown, or closes its connection.

    Other programs come and go; all may change the graph, and all are told: of what nodes see, who listens.
    """

    def __init__(self, loop: Loop, site: str, control: socket.socket, listener: socket.socket) -> None:
        self._loop, self._site = loop, site
        self._spec = GraphSpec()
        self._secrets: dict[str, str] = {}
        self._statuses: dict[str, StreamStatus] = {}
        self._ending = False
        self._media = MediaPool(loop, MemoryLedger(), tell=self._on_media, on_ready=self._serve_readers)
        self._broker = Broker(
            loop,
            listener,
            knows=self._media.knows,
            was_removed=self._media.was_removed,
            hand_over=self._media.add_reader,
            join=self._join,
        )
        self._doors = RingDoors(loop, self._broker)
        self._attached_by: dict[str, Program] = {}
        self._owner = self._connect(control)
        self._programs = [self._owner]
        self._leaving: list[Program] = []

    def shut_down(self) -> None:
        """End all processes in order, then the loop; asking twice is asking once."""
        if self._ending:
            return
        self._ending = True
        self._doors.close()
        self._broker.close()
        for program in self._programs:
            program.backends.stop()
        self._media.stop()
        self._loop.call_later(END_WITHIN_S, self._kill)
        self._end_when_all_have()

    def look_for_stops(self) -> None:
        """Find out which back ends were stopped by a signal, or go on."""
        for program in (*self._programs, *self._leaving):
            program.backends.look_for_stops()

    def _connect(self, sock: socket.socket) -> Program:
        return Program(
            self._loop, sock, site=self._site, on_message=self._on_program, on_closed=self._on_closed
        )

    def _join(self, sock: socket.socket) -> None:
        program = self._connect(sock)
        self._programs.append(program)
        program.tell(GraphChanged(spec=self._spec))
        for status in self._statuses.values():
            program.tell(status)

    def _kill(self) -> None:
        for program in (*self._programs, *self._leaving):
            program.backends.kill()
        self._media.kill()

    def _end_when_all_have(self) -> None:
        programs = (*self._programs, *self._leaving)
        if self._media.ended and all(program.backends.ended for program in programs):
            for program in programs:
                program.close()
            self._media.close()
            self._loop.stop()
        else:
            self._loop.call_later(0.01, self._end_when_all_have)

    def _on_closed(self, program: Program) -> None:
        if program is self._owner:
            self.shut_down()
            return
        program.backends.stop()
        for node in [node for node, by in self._attached_by.items() if by is program]:
            self._attach(program, node, ())
        self._programs.remove(program)
        self._leaving = [one for one in self._leaving if not one.backends.ended]
        self._leaving.append(program)

    def _on_program(self, program: Program, message: ToSupervisor, descriptors: list[int]) -> None:
        match message:
            case Apply():
                self._apply(program, message)
            case Do(token=token, command=command):
                try:
                    self._change(program, token, commanded(self._spec, command))
                except GraphError as error:
                    program.tell(Answer(token=token, diff=GraphDiff(), refused=str(error)))
            case Attach(node=node):
                self._attach(program, node, tuple(descriptors))
                descriptors.clear()
            case Listen(nodes=nodes):
                program.listen(nodes)
            case Spawn() if descriptors:
                # Its front end learns that the supervisor is gone, should it come too late.
                if not self._ending:
                    program.backends.spawn(message, descriptors.pop(0))
            case Watch(process=process, watched=watched):
                program.backends.watch(process, watched)
            case Terminate(process=process, grace_s=grace_s, renew=renew):
                program.backends.terminate(process, grace_s, renew=renew)
            case AskStatistics(token=token):
                self._media.ask_statistics(lambda streams: self._tell_statistics(program, token, streams))
            case Ping():
                program.tell(Pong())
            case Shutdown() if program is self._owner:
                self.shut_down()
                self._broker.close_for_good()
            case _:
                _log.error("a message was not understood: %r", message)
        close_all(descriptors)

    def _attach(self, program: Program, node: str, descriptors: tuple[int, ...]) -> None:
        self._media.attach(node, descriptors)
        self._attached_by.pop(node, None)
        if descriptors:
            self._attached_by[node] = program

    def _apply(self, program: Program, message: Apply) -> None:
        token, spec = message.token, message.spec
        try:
            check_spec(spec)
            self._withhold(variables_of(references_of(spec)))
            self._learn(spec, message.secrets)
            self._change(program, token, spec)
        except GraphError as error:
            program.tell(Answer(token=token, diff=GraphDiff(), refused=str(error)))

    def _withhold(self, variables: set[str]) -> None:
        """Have no process show these, started before or after."""
        if withhold(variables):
            forget_withheld()
            backends = [program.backends for program in (*self._programs, *self._leaving)]
            for pid in (*self._media.pids, *(pid for each in backends for pid in each.pids.values())):
                blot_out(pid)

    def _learn(self, spec: GraphSpec, told: dict[str, str]) -> None:
        """Know what the references of this graph stand for, and of no others."""
        known = {**self._secrets, **told}
        secrets = {}
        for reference in sorted(references_of(spec)):
            if reference not in known:
                raise GraphError(f"login {reference!r}: the site was not told what it stands for")
            secrets[reference] = known[reference]
        new = {reference: value for reference, value in secrets.items() if reference in told}
        if new:
            # The owner tells them to the next supervisor, should this one die.
            self._owner.tell(Secrets(values=new))
        self._secrets = secrets

    def _change(self, program: Program, token: int, spec: GraphSpec) -> None:
        changes = diff(self._spec, spec)
        self._spec = spec
        if not self._ending:
            # Who waits there is served by the graph that runs then.
            self._doors.follow(spec)
            self._media.apply(spec, self._secrets)
        self._statuses = {name: one for name, one in self._statuses.items() if self._media.knows(name)}
        self._attached_by = {node: by for node, by in self._attached_by.items() if self._media.knows(node)}
        self._tell_all(GraphChanged(spec=spec))
        program.tell(Answer(token=token, diff=changes))

    def _on_media(self, message: StreamStatus | MediaStatus | NodeEvent) -> None:
        if isinstance(message, StreamStatus):
            self._statuses[message.stream] = message
        self._tell_all(message)

    def _tell_statistics(self, program: Program, token: int, streams: Streams) -> None:
        program.tell(
            SiteStatistics(
                token=token,
                streams=streams,
                media=self._media.statistics(),
                rule=self._media.rule,
                processes=program.backends.pids,
                clients=len(self._programs),
            )
        )

    def _tell_all(self, message: FromSupervisor) -> None:
        for program in self._programs:
            program.tell(message)

    def _serve_readers(self) -> None:
        self._broker.serve()
