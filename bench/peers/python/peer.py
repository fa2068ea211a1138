"""One end of a stream of pyarrow: IPC over TCP, a Unix socket or a named pipe, or Flight DoGet.

It is started with a task as JSON, says in a line where it listens, and serves one connection for each order, a line of JSON, after
which it says in a line what it did. The clock starts when the first batch is through."""

import collections
import json
import os
import queue
import socket
import sys
import threading
import time

import pyarrow as pa


class Meter:
    """Counts batches, and where gaps is set keeps when each came."""

    def __init__(self, gaps=False):
        self.batches = 0
        self.times = [] if gaps else None

    def batch(self):
        self.batches += 1
        if self.batches == 1:
            self.began, self.cpu = time.perf_counter(), time.process_time()
        if self.times is not None:
            self.times.append(time.perf_counter_ns())

    def report(self):
        r = {
            "Batches": self.batches,
            "Seconds": time.perf_counter() - self.began,
            "CPU": time.process_time() - self.cpu,
            "Peak": peak(),
        }
        if self.times is not None:
            pairs = zip(self.times, self.times[1:])
            r["Gaps"] = sorted(collections.Counter(bucket(b - a) for a, b in pairs).items())
        return r


def bucket(nanos):
    """The bucket of an interval: 16 for each power of two, as intervals.go has them."""
    e = max(nanos.bit_length() - 5, 0)
    return 16 * e + (nanos >> e)


def peak():
    """The most bytes of memory that this process has had."""
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    return 0


def say(v):
    print(json.dumps(v), flush=True)


def orders():
    for line in sys.stdin:
        o = json.loads(line)
        yield o["Network"], o["Time"] / 1e9


def load(path):
    with pa.OSFile(path, "rb") as f, pa.ipc.open_stream(f) as r:
        return list(r)


def until(seconds, batches):
    """The batches in turn, at least two, for that long."""
    began, n = time.perf_counter(), 0
    while n < 2 or time.perf_counter() - began < seconds:
        yield batches[n % len(batches)]
        n += 1


def listening(family, address):
    s = socket.socket(family)
    s.bind(address)
    s.listen()
    return s


def host(address):
    name, port = address.rsplit(":", 1)
    return name, int(port)


def send(task):
    batches = load(task["File"])
    at = task["Network"]

    def connect(network):
        if network == "pipe":
            return open(at["pipe"], "wb"), None
        c = socket.socket(socket.AF_UNIX if network == "uds" else socket.AF_INET)
        c.connect(at["uds"] if network == "uds" else host(at["tcp"]))
        return c.makefile("wb"), c

    say({})
    for network, seconds in orders():
        f, c = connect(network)
        m = Meter()
        with pa.ipc.new_stream(f, batches[0].schema) as w:
            for batch in until(seconds, batches):
                w.write_batch(batch)
                m.batch()
        f.flush()
        r = m.report()
        f.close()
        if c:
            c.close()
        say(r)


def receive(task):
    at = task["Network"]
    tcp = listening(socket.AF_INET, host(at["tcp"]))
    uds = listening(socket.AF_UNIX, at["uds"])
    at["tcp"] = "%s:%d" % tcp.getsockname()
    say({"Network": at})
    for network, _ in orders():
        c = None
        if network == "pipe":
            f = open(at["pipe"], "rb")
        else:
            c, _ = (uds if network == "uds" else tcp).accept()
            f = c.makefile("rb")
        m = Meter(task["Gaps"])
        with pa.ipc.open_stream(f) as r:
            for batch in r:
                if batch.num_rows != task["Rows"]:
                    raise ValueError("a batch of %d rows" % batch.num_rows)
                m.batch()
        r = m.report()
        f.close()
        if c:
            c.close()
        say(r)


def send_flight(task):
    import pyarrow.flight as fl

    batches = load(task["File"])
    asked, done = queue.Queue(), queue.Queue()

    class Server(fl.FlightServerBase):
        def do_get(self, context, ticket):
            seconds = asked.get()

            def batches_of_one():
                m = Meter()
                for batch in until(seconds, batches):
                    yield batch
                    m.batch()
                done.put(m.report())

            return fl.RecordBatchStream(pa.RecordBatchReader.from_batches(batches[0].schema, batches_of_one()))

    server = Server("grpc://" + task["Network"]["flight"])
    threading.Thread(target=server.serve, daemon=True).start()
    say({"Network": {"flight": "127.0.0.1:%d" % server.port}})
    for _, seconds in orders():
        asked.put(seconds)
        say(done.get())
    os._exit(0)


def receive_flight(task):
    import pyarrow.flight as fl

    say({})
    for _ in orders():
        with fl.connect("grpc://" + task["Network"]["flight"]) as client:
            m = Meter(task["Gaps"])
            for chunk in client.do_get(fl.Ticket(b"x")):
                if chunk.data.num_rows != task["Rows"]:
                    raise ValueError("a batch of %d rows" % chunk.data.num_rows)
                m.batch()
            say(m.report())


task = json.loads(sys.argv[1])
verbs = {"pyarrow": (receive, send), "pyarrow Flight": (receive_flight, send_flight)}
try:
    verbs[task["Peer"]][bool(task.get("Send"))](task)
except Exception as e:
    say({"Error": "%s: %s" % (type(e).__name__, e)})
    sys.exit(1)
