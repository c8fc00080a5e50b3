"""A client of HTTP/2 that does what no client should, frame by frame.

Does one of the deeds below on a connection to a port and writes, as JSON, what the server did: how it
ended the connection and which streams it reset or answered.
"""

import json
import socket
import sys

from hpack import Decoder, Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

GET = [(":method", "GET"), (":scheme", "http"), (":authority", "test"), (":path", "/")]
WAIT = [*GET[:3], (":path", "/wait")]
UPLOAD = [(":method", "POST"), *GET[1:3], (":path", "/upload")]


class Connection:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.encoder, self.decoder = Encoder(), Decoder()
        self.socket.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        self.send(SettingsFrame(0))
        self.seen = {"goaway": None, "resets": {}, "answers": {}, "closed": False}

    def send(self, *frames):
        self.socket.sendall(b"".join(frame.serialize() for frame in frames))

    def headers(self, stream, fields, flags, block=None):
        frame = HeadersFrame(stream)
        frame.data = self.encoder.encode(fields) if block is None else block
        for flag in flags:
            frame.flags.add(flag)
        return frame

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def read(self):
        """One frame of the server's."""
        frame, length = Frame.parse_frame_header(memoryview(self.exactly(9)))
        frame.parse_body(memoryview(self.exactly(length)))
        if isinstance(frame, GoAwayFrame):
            self.seen["goaway"] = frame.error_code
        elif isinstance(frame, RstStreamFrame):
            self.seen["resets"][frame.stream_id] = frame.error_code
        elif isinstance(frame, HeadersFrame):
            fields = dict(self.decoder.decode(frame.data))
            self.seen["answers"][frame.stream_id] = int(fields[":status"])
        elif isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self.send(SettingsFrame(0, flags=["ACK"]))

    def read_to(self, is_enough):
        try:
            while not is_enough(self.seen):
                self.read()
        except OSError:
            self.seen["closed"] = True


def continuation_flood(it):
    """A head without an end."""
    it.send(it.headers(1, GET, []))
    piece = ContinuationFrame(1)
    piece.data = it.encoder.encode([("x-piece", "y" * 100)])
    for _ in range(100_000):
        it.send(piece)


def indexed_flood(it):
    """A head of a hundred thousand fields of one byte each (CVE-2016-6581)."""
    first = it.headers(1, [*GET, ("cookie", "c" * 100)], ["END_STREAM"])
    it.send(first)
    # Index 62: the field that was added last.
    piece = ContinuationFrame(1)
    piece.data = b"\xbe" * 10_000
    for _ in range(9):
        it.send(piece)
    piece.flags.add("END_HEADERS")
    it.send(piece)


def reset_by_the_server(it):
    """Streams that are opened, and made to be reset by the server (CVE-2025-8671)."""
    for number in range(10_000):
        stream = 2 * number + 1
        # An increment of 0 is an error of the stream.
        wrong = WindowUpdateFrame(stream)
        wrong.window_increment = 1
        wrong = wrong.serialize()[:-4] + b"\0\0\0\0"
        it.socket.sendall(it.headers(stream, WAIT, ["END_HEADERS"]).serialize() + wrong)


def window_overflow(it):
    """A window above 2^31 - 1."""
    it.send(it.headers(1, WAIT, ["END_HEADERS", "END_STREAM"]))
    grow = WindowUpdateFrame(0)
    grow.window_increment = 2**31 - 1
    it.send(grow, grow)


def data_after_the_end(it):
    it.send(it.headers(1, UPLOAD, ["END_HEADERS", "END_STREAM"]))
    late = DataFrame(1)
    late.data = b"late"
    it.send(late)


def short_body(it):
    """Fewer bytes than `content-length` says."""
    it.send(it.headers(1, [*UPLOAD, ("content-length", "10")], ["END_HEADERS"]))
    body = DataFrame(1)
    body.data = b"abc"
    body.flags.add("END_STREAM")
    it.send(body)


def even_stream(it):
    """A stream with a number of the server's."""
    it.send(it.headers(2, GET, ["END_HEADERS", "END_STREAM"]))


def goes_away(it):
    """A GOAWAY of the client's, with a request in flight."""
    away = GoAwayFrame(0)
    away.error_code = 0
    it.send(it.headers(1, GET, ["END_HEADERS", "END_STREAM"]), away)


port, deed = int(sys.argv[1]), sys.argv[2]
connection = Connection(port)
try:
    globals()[deed](connection)
except OSError:
    # The server has closed it meanwhile, as it should.
    connection.seen["closed"] = True
if deed in ("short_body", "data_after_the_end"):
    connection.read_to(lambda seen: seen["resets"] or seen["answers"] or seen["goaway"] is not None)
elif deed == "goes_away":
    connection.read_to(lambda seen: seen["answers"])
else:
    connection.read_to(lambda seen: False)
print(json.dumps(connection.seen))
