"""The Python side of the table of types: python every_type.py pyarrow|polars|duckdb|nanoarrow|lightstream-io.

A request is a line with a stream or file that this side has to read, and what its columns are; the answer is what they hold:

    {"op": "version"}                                                              {"version": "26.0.1"}
    {"op": "read", "format": "stream", "path": …, "types": [{"kind": "int", …}]}   {"columns": [[1, null], …]}
    {"op": "rewrite", "path": …, "out": …}                                         {"ok": true}

What a peer raises is answered with {"error": "its type: its message"}. Values are written as cells.py says, and beside those

    date, time, duration   the integer in the column's unit
    decimal                the integer without its point
    interval               months, [days, milliseconds] or [months, days, nanoseconds]
    list, struct           an array
    map                    an array of [key, value]
    union                  the value
    run-end encoded        each row's value
    extension              what it is stored as
"""
import decimal
import importlib.metadata
import os
import socket
import struct
import sys
import tempfile
import threading

import pyarrow as pa

import cells
import peer as lines

INTERVALS = "<i", "<ii", "<iiq"  # by variant
DAY = 86_400 * 10**9  # nanoseconds
UNITS = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
decimal.getcontext().prec = 100


def scaled(values, have, want):
    """Integers in another unit, where that is exact."""
    have, want = UNITS[have], UNITS[want]
    out = []
    for v in values:
        if v is not None:
            v, rest = divmod(v * want, have)
            if rest:
                raise ValueError("a time is finer than its column's unit")
        out.append(v)
    return out


def unscaled(value, scale):
    if value is None:
        return None
    n = value.scaleb(scale)
    if n != n.to_integral_value():
        raise ValueError("%s has more than %d digits after the point" % (value, scale))
    return int(n)


def raw(arr, format):
    """The values of a fixed-width array by its buffer."""
    size = struct.calcsize(format)
    data = arr.buffers()[1].to_pybytes()
    all = [struct.unpack_from(format, data, size * (arr.offset + i)) for i in range(len(arr))]
    return [list(v) if ok else None for v, ok in zip(all, arr.is_valid().to_pylist())]


def float_cells(arr, bits):
    """Floats as those of the column's bits: some peers hand out wider ones."""
    name, own = "float%d" % bits, arr.type.bit_width
    if own == bits:
        return [cells.cell_of_bits(name, v) for v in arr.view(getattr(pa, "uint%d" % bits)()).to_pylist()]
    return [cells.cell_of_float(name, v) for v in arr.to_pylist()]


def date_cells(ints, bits, t):
    """Dates as days or milliseconds, whatever the peer has made of them."""
    if bits == t["bits"]:
        return ints
    return [v and v * 86_400_000 if bits == 32 else v and v // 86_400_000 for v in ints]


def interval_cells(arr, variant):
    if arr.type == pa.month_day_nano_interval():
        whole = raw(arr, "<iiq")
        if variant == 0:
            return [v and v[0] for v in whole]
        if variant == 1:
            return [v and [v[1], v[2] // 10**6] for v in whole]
        return whole
    return [v and v[0] for v in raw(arr, "<i")] if variant == 0 else raw(arr, "<ii")


def union_cells(arr, t):
    codes = arr.type_codes.to_pylist()
    children = {code: cells_of(arr.field(i), t["children"][i]) for i, code in enumerate(arr.type.type_codes)}
    at = arr.offsets.to_pylist() if arr.type.mode == "dense" else range(len(arr))
    return [children[code][i] for code, i in zip(codes, at)]


def run_cells(arr, t):
    values = cells_of(arr.values, t["children"][1])
    out = []
    for value, end in zip(values, arr.run_ends.to_pylist()):
        out += [value] * (min(end - arr.offset, len(arr)) - len(out))
    return out


def struct_cells(arr, t):
    columns = [cells_of(c, f) for c, f in zip(arr.flatten(), t["children"])]
    return [list(row) if ok else None for ok, row in zip(arr.is_valid().to_pylist(), zip(*columns))]


def cells_of(arr, t):
    """The cells of an array of pyarrow whose column has the type t, which may be another than the array's."""
    kind, own = t["kind"], arr.type
    if isinstance(arr, pa.ChunkedArray):
        return [c for chunk in arr.chunks for c in cells_of(chunk, t)]
    if isinstance(arr, pa.ExtensionArray):
        return cells_of(arr.storage, t)
    if pa.types.is_dictionary(own):
        values = cells_of(arr.dictionary, t)
        return [None if i is None else values[i] for i in arr.indices.to_pylist()]
    if kind == "float":
        return float_cells(arr, t["bits"])
    if kind in ("date", "time", "timestamp", "duration"):
        if own == pa.month_day_nano_interval():
            return scaled([v and v[1] * DAY + v[2] for v in raw(arr, "<iiq")], "ns", t["unit"])
        ints = arr.view(pa.int32() if own.bit_width == 32 else pa.int64()).to_pylist()
        if pa.types.is_date(own):
            return date_cells(ints, own.bit_width, t)
        return scaled(ints, own.unit, t["unit"])
    if kind == "interval":
        return interval_cells(arr, t["variant"])
    if kind == "decimal":
        return [unscaled(v, t["scale"]) for v in arr.to_pylist()]
    if kind == "fixed_size_binary" and pa.types.is_string(own):  # DuckDB's UUID
        return [v and v.replace("-", "") for v in arr.to_pylist()]
    if kind in ("binary", "large_binary", "binary_view", "fixed_size_binary"):
        return [cells.cell_of_bytes(v) for v in arr.to_pylist()]
    if kind in ("list", "large_list", "fixed_size_list", "list_view", "large_list_view", "map"):
        return [cells_of(v.values, t["children"][0]) if v.is_valid else None for v in arr]
    if kind == "struct":
        return struct_cells(arr, t)
    if kind in ("sparse_union", "dense_union"):
        return union_cells(arr, t)
    if kind == "run_end_encoded" and pa.types.is_run_end_encoded(own):
        return run_cells(arr, t)
    if kind == "run_end_encoded":
        return cells_of(arr, t["children"][1])
    return arr.to_pylist()


def table_cells(table, types):
    return {"columns": [cells_of(c, t) for c, t in zip(table.columns, types)]}


class PyArrow:
    name = "pyarrow"

    @staticmethod
    def open(path, format):
        return pa.ipc.open_file(path).read_all() if format == "file" else pa.ipc.open_stream(path).read_all()

    def read(self, path, format, types):
        table = self.open(path, format)
        table.validate(full=True)
        return table_cells(table, types)


class DuckDB:
    """DuckDB reads Arrow from other libraries, not from files: pyarrow opens them, and DuckDB has the batches scanned."""
    name = "duckdb"

    def read(self, path, format, types):
        import duckdb
        arrow = PyArrow.open(path, format)
        with duckdb.connect() as db:  # of its own, as an internal error is the end of one
            return table_cells(db.sql("SELECT * FROM arrow").to_arrow_table(), types)


class NanoArrow:
    name = "nanoarrow"

    def read(self, path, format, types):
        import nanoarrow
        with nanoarrow.ArrayStream.from_path(path) as stream:
            if types[0]["kind"] == "interval":  # which pyarrow has no classes for
                table = stream.read_all()
                return {"columns": [self.interval_cells(table.child(i), t) for i, t in enumerate(types)]}
            return table_cells(pa.RecordBatchReader.from_stream(stream).read_all(), types)

    @staticmethod
    def interval_cells(column, t):
        out = []
        for chunk in column.iter_chunks():
            valid, data = [bytes(b) for b in chunk.buffers]
            for i in range(chunk.offset, chunk.offset + len(chunk)):
                value = list(struct.unpack_from(INTERVALS[t["variant"]], data, t["bits"] // 8 * i))
                out.append(None if valid and not valid[i // 8] >> i % 8 & 1 else value if t["variant"] else value[0])
        return out


class Polars:
    name = "polars"

    def read(self, path, format, types):
        import polars as pl
        frame = pl.read_ipc(path) if format == "file" else pl.read_ipc_stream(path)
        return {"columns": [self.cells(s, t) for s, t in zip(frame, types)]}

    def cells(self, s, t):
        import polars as pl
        kind, own = t["kind"], s.dtype
        if kind == "run_end_encoded":
            return self.cells(s, t["children"][1])
        if own in (pl.List, pl.Array):
            return [None if v is None else self.cells(v, t["children"][0]) for v in (s[i] for i in range(len(s)))]
        if own == pl.Struct:
            columns = [self.cells(s.struct.field(f.name), c) for f, c in zip(own.fields, t["children"])]
            return [list(row) if ok else None for ok, row in zip(s.is_not_null(), zip(*columns))]
        if own in (pl.Categorical, pl.Enum):
            return s.cast(pl.String).to_list()
        if kind == "map":
            return cells_of(s.to_arrow(), t)
        if kind == "float":
            return [cells.cell_of_float("float%d" % t["bits"], v) for v in s.to_list()]
        if own == pl.Date:
            return date_cells(s.to_physical().to_list(), 32, t)
        if own in (pl.Datetime, pl.Duration, pl.Time):
            return scaled(s.to_physical().to_list(), getattr(own, "time_unit", "ns"), t["unit"])
        if own == pl.Decimal:
            return [unscaled(v, t["scale"]) for v in s.to_list()]
        if own == pl.Binary:
            return [cells.cell_of_bytes(v) for v in s.to_list()]
        return s.to_list()


class Lightstream:
    """The Rust Lightstream. It reads streams from sockets, so the file's bytes go through one."""
    name = "lightstream-io"

    def read(self, path, format, types):
        import lightstream
        if format == "file":
            return self.cells(lightstream.read(path, format="arrow", mmap=False), types)
        with tempfile.TemporaryDirectory() as d:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(d + "/s")
                server.listen()
                sender = threading.Thread(target=self.send, args=(server, path), daemon=True)
                sender.start()
                out = self.cells(lightstream.read("uds://" + d + "/s"), types)
                sender.join()
                return out

    @staticmethod
    def send(server, path):
        s, _ = server.accept()
        with s, open(path, "rb") as f:
            try:
                s.sendall(f.read())
                s.shutdown(socket.SHUT_WR)
                s.recv(1)  # until the reader has gone
            except OSError:
                pass

    @staticmethod
    def cells(source, types):
        columns = [[] for _ in types]
        for t in source:
            for out, f, type in zip(columns, t.schema.fields, types):
                out += cells_of(pa.array(t[f.name]), type)
        return {"columns": columns}

    def rewrite(self, path, out):
        """Write what a file holds anew, as a stream."""
        import lightstream
        with tempfile.TemporaryDirectory() as d:
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(d + "/s")
                server.listen()
                receiver = threading.Thread(target=self.receive, args=(server, out), daemon=True)
                receiver.start()
                w = lightstream.write("uds://" + d + "/s")
                try:
                    w.write(PyArrow.open(path, "file"))
                finally:
                    w.close()
                receiver.join()
        return {"ok": True}

    @staticmethod
    def receive(server, out):
        s, _ = server.accept()
        with s, open(out, "wb") as f:
            while p := s.recv(1 << 16):
                f.write(p)


PEERS = {p.name: p for p in (PyArrow, DuckDB, NanoArrow, Polars, Lightstream)}


class Server:
    """What peer.py asks."""

    def __init__(self, name):
        self.peer, self.VERSION = PEERS[name](), importlib.metadata.version(name)

    def serve(self, request):
        if request["op"] == "rewrite":
            return self.peer.rewrite(request["path"], request["out"])
        return self.peer.read(request["path"], request["format"], request["types"])


if __name__ == "__main__":
    # What Rust code prints when it panics is in the error, too.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    lines.loop(Server(sys.argv[1]))
