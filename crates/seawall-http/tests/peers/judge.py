"""A strict client of HTTP/1.1: h11 accepts nothing that the standard does not allow.

Sends requests to a port, one connection for all of them while it may be kept, and writes a line of
JSON for each answer. A violation ends the program with h11's words for it.
"""

import json
import socket
import sys

import h11

HOST = [("host", "test")]


def cases():
    """Method, target, header fields, body in parts, trailers."""
    yield "GET", "/", HOST, [], []
    yield "HEAD", "/", HOST, [], []
    yield "GET", "/204", HOST, [], []
    yield "GET", "/304", HOST, [], []
    yield "GET", "/panic", HOST, [], []
    yield "GET", "/full", HOST, [], []
    yield "POST", "/echo", HOST + [("content-length", "4")], [b"bo", b"dy"], []
    chunked = [("transfer-encoding", "chunked"), ("te", "trailers"), ("trailer", "x-sum")]
    yield "POST", "/echo", HOST + chunked, [b"bo", b"dy"], [("x-sum", "7")]
    expects = [("content-length", "4"), ("expect", "100-continue")]
    yield "POST", "/upload", HOST + expects, [b"body"], []
    yield "GET", "/", HOST + [("connection", "close")], [], []


class Client:
    def __init__(self, port):
        self.port = port
        self.connect()

    def connect(self):
        self.h11 = h11.Connection(h11.CLIENT)
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def send(self, event):
        self.socket.sendall(self.h11.send(event) or b"")

    def next(self):
        while (event := self.h11.next_event()) is h11.NEED_DATA:
            self.h11.receive_data(self.socket.recv(65536))
        return event

    def call(self, method, target, headers, parts, trailers):
        self.send(h11.Request(method=method, target=target, headers=headers))
        informational = []
        if self.h11.client_is_waiting_for_100_continue:
            informational.append(self.next().status_code)
        for part in parts:
            self.send(h11.Data(data=part))
        self.send(h11.EndOfMessage(headers=trailers))
        body, status = b"", None
        while not isinstance(event := self.next(), h11.EndOfMessage):
            if isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.Response):
                status = event.status_code
            else:
                informational.append(event.status_code)
        is_kept = self.h11.our_state is h11.DONE and self.h11.their_state is h11.DONE
        if is_kept:
            self.h11.start_next_cycle()
        return {
            "call": f"{method} {target}",
            "status": status,
            "informational": informational,
            "body": body.decode(),
            "trailers": [[name.decode(), value.decode()] for name, value in event.headers],
            "kept": is_kept,
        }


client = Client(int(sys.argv[1]))
for case in cases():
    answer = client.call(*case)
    print(json.dumps(answer), flush=True)
    if not answer["kept"]:
        client.connect()
