"""A server of HTTP/2 that misbehaves on its first connection, frame by frame. Needs hyperframe.

    server_frames.py goes-away      GOAWAY without an error, below the request: it was not acted on
    server_frames.py breaks         a frame that no server may send, after the request

Later connections answer 200. Prints its port, and then the number of each request's connection.
"""

import socket
import sys
import threading

from hyperframe.frame import DataFrame, Frame, GoAwayFrame, HeadersFrame, SettingsFrame

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# `:status 200` is entry 8 of HPACK's static table.
OK = b"\x88"


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def read_frame(connection):
    frame, length = Frame.parse_frame_header(memoryview(read_exactly(connection, 9)))
    frame.parse_body(memoryview(read_exactly(connection, length)))
    return frame


def answer(connection, stream):
    head = HeadersFrame(stream, OK)
    head.flags.add("END_HEADERS")
    body = DataFrame(stream, b"answer")
    body.flags.add("END_STREAM")
    connection.sendall(head.serialize() + body.serialize())


def misbehave(connection, stream, deed):
    if deed == "goes-away":
        connection.sendall(GoAwayFrame(0, last_stream_id=0, error_code=0).serialize())
    elif deed == "breaks":
        # DATA belongs to a stream (RFC 9113, section 6.1); hyperframe refuses to make this one.
        connection.sendall(b"\x00\x00\x01\x00\x00\x00\x00\x00\x00x")


def serve(connection, number, deed):
    try:
        assert read_exactly(connection, len(PREFACE)) == PREFACE
        connection.sendall(SettingsFrame(0).serialize())
        while True:
            frame = read_frame(connection)
            if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
                acknowledged = SettingsFrame(0)
                acknowledged.flags.add("ACK")
                connection.sendall(acknowledged.serialize())
            elif isinstance(frame, HeadersFrame):
                print(number, flush=True)
                if number == 0:
                    misbehave(connection, frame.stream_id, deed)
                    return
                answer(connection, frame.stream_id)
    except (EOFError, OSError):
        pass
    finally:
        connection.close()


def main():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    number = 0
    while True:
        connection, _ = listener.accept()
        arguments = (connection, number, sys.argv[1])
        threading.Thread(target=serve, args=arguments, daemon=True).start()
        number += 1


main()
