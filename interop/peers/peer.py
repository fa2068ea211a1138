"""The Python side of the cells: python peer.py pyarrow|polars|lightstream-io.

It reads one request a line from standard input and answers each with a line on standard output, until its input ends:

    {"op": "version"}                                                                      {"version": "26.0.1"}
    {"op": "write", "format": "stream", "path": …, "schema": […], "batches": […], "options": {…}}   {"ok": true}
    {"op": "read", "format": "file", "path": …}                      {"schema": […], "batches": […], "metadata": {…}}

Instead of "path" there may be "url" (to read), "dial": PORT, or "listen": true, which is first answered with {"port": PORT}; instead of schema
and batches "from", a file with a stream whose content the peer writes again. A peer that connects by itself gets "uri" and "accept". What a peer raises is answered with
{"error": "its type: its message"}. With the names of two files behind that of the peer, one request and its answer are there. How values are written is said in cells.py.
"""
import contextlib
import importlib
import json
import socket
import sys
import urllib.request

TIMEOUT = 60  # seconds


def answer(**what):
    print(json.dumps(what), flush=True)


@contextlib.contextmanager
def connected(request):
    if "dial" in request:
        with socket.create_connection(("127.0.0.1", request["dial"]), TIMEOUT) as s:
            s.settimeout(None)
            yield s
        return
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(TIMEOUT)
        answer(port=server.getsockname()[1])
        s, _ = server.accept()
        s.settimeout(None)
        with s:  # without a timeout: polars writes to the descriptor itself, which a timeout would make non-blocking
            yield s


@contextlib.contextmanager
def opened(request, mode, mapped=None):
    if "url" in request:
        with urllib.request.urlopen(request["url"], timeout=TIMEOUT) as f:
            yield f
        return
    if "path" in request:
        with (mapped or open)(request["path"], mode) as f:
            yield f
        return
    with connected(request) as s, s.makefile(mode) as f:
        yield f


def serve(peer, request):
    if request["op"] == "version":
        return {"version": peer.VERSION}
    if hasattr(peer, "serve"):
        return peer.serve(request)
    if request["op"] == "write":
        with opened(request, "wb") as sink:
            peer.write(request, sink)
        return {"ok": True}
    with opened(request, "rb", getattr(peer, "mapped", None)) as source:
        return peer.read(request, source)


def answered(peer, line):
    try:
        return serve(peer, json.loads(line))
    except BaseException as e:  # what polars raises when its Rust code panics is no Exception
        if isinstance(e, (KeyboardInterrupt, SystemExit)):
            raise
        return {"error": "%s: %s" % (type(e).__name__, e)}


def loop(peer):
    for line in sys.stdin:
        answer(**answered(peer, line))


def main(name, request=None, reply=None):
    peer = importlib.import_module("with_" + name.removesuffix("-io"))
    if request is None:
        return loop(peer)
    with open(request) as f, open(reply, "w") as out:  # standard input and output are the stream's
        json.dump(answered(peer, f.read()), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
