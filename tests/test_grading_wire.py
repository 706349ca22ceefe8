"""Frames between the parent and a jailed process."""

from __future__ import annotations

import os
import threading

import pytest

from cifarlib.grader import wire

TOKEN = bytes(range(16))


@pytest.fixture
def ends():
    """Two ends that are each other's."""
    there, back = os.pipe(), os.pipe()
    yield wire.Pipes(back[0], there[1]), wire.Pipes(there[0], back[1])
    for number in (*there, *back):
        os.close(number)


def test_a_frame_is_kind_token_length_and_body():
    found = wire.frame(wire.RUN, TOKEN, b"x = 1")
    assert found == b"r" + TOKEN + b"\x00\x00\x00\x05" + b"x = 1"
    assert len(found) == wire.HEAD.size + 5
    assert wire.frame(wire.END, wire.NO_TOKEN) == b"e" + bytes(20)


def test_every_kind_is_one_byte_of_its_own():
    kinds = [
        *(wire.RUN, wire.GET, wire.CALL, wire.BIND, wire.TEST, wire.ANSWER),
        *(wire.FORK, wire.INTERRUPT, wire.END),
        *(wire.READY, wire.OUTPUT, wire.DONE, wire.VALUE, wire.ASK),
    ]
    assert len(set(kinds)) == len(kinds) == 14
    assert {len(kind) for kind in kinds} == {1}


@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)), b"r" + TOKEN + b"\x00" * 4])
def test_what_is_written_is_read(ends, body):
    one, other = ends
    one.write(wire.VALUE, TOKEN, body)
    assert other.read() == (wire.VALUE, TOKEN, body)


def test_frames_come_in_order_and_apart(ends):
    one, other = ends
    for number in range(5):
        one.write(wire.OUTPUT, TOKEN, b"a" * number)
    assert [len(other.read()[2]) for _ in range(5)] == [0, 1, 2, 3, 4]


def test_a_frame_that_comes_in_pieces_is_put_together():
    reading, writing = os.pipe()
    found = []
    reader = threading.Thread(target=lambda: found.append(wire.Pipes(reading, -1).read()))
    reader.start()
    for byte in wire.frame(wire.DONE, TOKEN, b"piece by piece"):
        os.write(writing, bytes([byte]))
    reader.join()
    assert found == [(wire.DONE, TOKEN, b"piece by piece")]
    os.close(reading)
    os.close(writing)


def test_a_body_larger_than_a_pipe_arrives_whole(ends):
    one, other = ends
    body = os.urandom(1 << 20) * 3
    writer = threading.Thread(target=one.write, args=(wire.VALUE, TOKEN, body))
    writer.start()
    assert other.read() == (wire.VALUE, TOKEN, body)
    writer.join()


def test_frames_of_several_threads_do_not_mix(ends):
    one, other = ends
    bodies = [bytes([number]) * 100_000 for number in range(8)]  # each fills the pipe
    writers = [threading.Thread(target=one.write, args=(wire.OUTPUT, TOKEN, b)) for b in bodies]
    for writer in writers:
        writer.start()
    assert sorted(other.read()[2] for _ in bodies) == bodies
    for writer in writers:
        writer.join()


@pytest.mark.parametrize("sent", [b"", b"r" + TOKEN, wire.frame(wire.RUN, TOKEN, b"code")[:-1]])
def test_a_parent_that_is_gone_is_noticed(sent):
    reading, writing = os.pipe()
    os.write(writing, sent)
    os.close(writing)
    with pytest.raises(EOFError, match="the parent has gone"):
        wire.Pipes(reading, -1).read()
    os.close(reading)
