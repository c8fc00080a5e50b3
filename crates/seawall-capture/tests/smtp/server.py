"""A mail server that does as it is told: `server.py '{"hang": "RCPT"}'`.

It listens on a free port of this machine and tells what happens, a line of JSON each, on standard
output. To each line of its standard input it answers that it told all that happened before; it
ends with its input.

    tls      "implicit", "starttls" or absent
    login    [user, password], asked for before everything else
    hang     where it says nothing any more: CONNECT, EHLO, AUTH, MAIL, RCPT, DATA,
             MESSAGE, QUIT
    drop     how many messages it takes in full before it hangs up without an answer
    answers  {command or address: [answer, ..]}, each of them given once, the last one ever after
"""

import asyncio
import email
import email.policy
import json
import logging
import ssl
import sys
import warnings

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

# It warns of what some of the tests are about.
warnings.simplefilter("ignore")
logging.disable()

TOLD = json.loads(sys.argv[1])


def say(event, **more):
    print(json.dumps({"event": event, **more}), flush=True)


def answer(to):
    answers = TOLD.get("answers", {}).get(to)
    if answers:
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def hang(where, **more):
    if TOLD.get("hang") == where:
        say("hangs", at=where, **more)
        await asyncio.Event().wait()


def read(envelope):
    """The message as a mail program sees it."""
    message = email.message_from_bytes(envelope.content, policy=email.policy.default)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {
        "from": envelope.mail_from,
        "to": envelope.rcpt_tos,
        "raw": envelope.content.decode("ascii"),
        "headers": [[name, str(value)] for name, value in message.items()],
        "parts": [[part.get_content_type(), part.get_content()] for part in parts],
    }


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        await hang("EHLO")
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        await hang("MAIL")
        refusal = answer("MAIL")
        if refusal:
            return refusal
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        await hang("RCPT")
        verdict = answer(address) or "250 OK"
        if verdict.startswith("25"):
            envelope.rcpt_tos.append(address)
        return verdict

    async def handle_DATA(self, server, session, envelope):
        told = read(envelope)
        encrypted = session.ssl is not None or TOLD.get("tls") == "implicit"
        await hang("MESSAGE", to=envelope.rcpt_tos)
        if TOLD.get("drop", 0) > 0:
            TOLD["drop"] -= 1
            say("dropped", **told)
            server.transport.abort()
            return "451 gone"
        verdict = answer("DATA") or "250 OK"
        say("message", verdict=verdict, encrypted=encrypted, **told)
        return verdict

    async def handle_QUIT(self, server, session, envelope):
        await hang("QUIT")
        return "221 Bye"


class Server(SMTP):
    async def _handle_client(self):
        say("connected")
        await hang("CONNECT")
        await super()._handle_client()

    async def smtp_AUTH(self, arg):
        await hang("AUTH")
        return await super().smtp_AUTH(arg)

    async def smtp_DATA(self, arg):
        await hang("DATA")
        return await super().smtp_DATA(arg)


def login(server, session, envelope, mechanism, data):
    user, password = TOLD["login"]
    good = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=False)


def tls(authority):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


async def main():
    authority = trustme.CA()
    mode = TOLD.get("tls")
    more = {}
    if mode == "starttls":
        more.update(tls_context=tls(authority), require_starttls=True)
    if "login" in TOLD:
        more.update(authenticator=login, auth_required=True, auth_require_tls=mode == "starttls")
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: Server(Handler(), hostname="localhost", ident="test", loop=loop, **more),
        host="127.0.0.1",
        port=0,
        ssl=tls(authority) if mode == "implicit" else None,
    )
    port = listener.sockets[0].getsockname()[1]
    say("listens", port=port, root=authority.cert_pem.bytes().decode())
    while await loop.run_in_executor(None, sys.stdin.readline):
        say("told")


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (KeyboardInterrupt, BrokenPipeError):
        pass
