import gc
import os
import pickle
import socket

import pytest

import camgraph as cg
from camgraph.process.descriptor import Arriving, Descriptor, arrived


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def test_it_has_a_number_of_its_own_for_the_same_file() -> None:
    reading, writing = os.pipe()
    descriptor = cg.Descriptor(writing)
    os.close(writing)
    assert descriptor.fileno() != reading
    assert not os.get_inheritable(descriptor.fileno())
    os.write(descriptor.fileno(), b"still open")
    assert os.read(reading, 100) == b"still open"
    descriptor.close()
    assert os.read(reading, 100) == b""
    os.close(reading)


def test_it_takes_whatever_has_a_descriptor() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, cg.Descriptor(ours) as descriptor, socket.socket(fileno=descriptor.detach()) as again:
        again.send(b"x")
        assert theirs.recv(10) == b"x"
    with pytest.raises(OSError, match="Bad file descriptor"):
        cg.Descriptor(ours.fileno())


def test_it_is_closed_once_by_whoever_owns_it() -> None:
    with cg.Descriptor(0) as descriptor:
        number = descriptor.fileno()
    assert not is_open(number)
    descriptor.close()
    assert repr(descriptor) == "<Descriptor closed>"
    for use in (descriptor.fileno, descriptor.detach):
        with pytest.raises(ValueError, match="closed"):
            use()


def test_detached_it_is_the_callers() -> None:
    descriptor = cg.Descriptor(0)
    number = descriptor.detach()
    descriptor.close()
    del descriptor
    gc.collect()
    assert is_open(number)
    os.close(number)


def test_forgotten_it_is_closed() -> None:
    descriptor = cg.Descriptor(0)
    number = descriptor.fileno()
    del descriptor
    gc.collect()
    assert not is_open(number)


def test_it_travels_by_messages_only() -> None:
    with cg.Descriptor(0) as descriptor, pytest.raises(TypeError, match="pass it by a backend method"):
        pickle.dumps(descriptor)


def test_what_arrives_belongs_to_who_takes_it_and_the_rest_is_closed() -> None:
    numbers = [os.dup(0), os.dup(0)]
    with Arriving(numbers):
        taken = arrived(1)
    gc.collect()
    assert not is_open(numbers[0])
    assert taken.fileno() == numbers[1]
    taken.close()
    assert isinstance(taken, Descriptor)
