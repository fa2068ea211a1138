"""Reads tables with nested columns and writes them again, with pyarrow or polars.

Reads lines of JSON from standard input, each {"library": name, "address": [host, port]} for a stream over TCP, answered on the same
connection, or {"library": name, "in": path, "out": path} for files. Prints {"rows": n} or {"error": text} for each.
"""

import io
import json
import socket
import sys

import polars as pl
import pyarrow as pa


def with_pyarrow(data, stream, sink):
    r = pa.ipc.open_stream(data) if stream else pa.ipc.open_file(data)
    table = r.read_all()
    table.validate(full=True)
    w = pa.ipc.new_stream(sink, table.schema) if stream else pa.ipc.new_file(sink, table.schema)
    w.write_table(table, max_chunksize=5)  # parts of batches, which are laid out anew
    w.close()
    return table.num_rows


def with_polars(data, stream, sink):
    df = pl.read_ipc_stream(io.BytesIO(data)) if stream else pl.read_ipc(io.BytesIO(data))
    half = df.height // 2
    df = pl.concat([df[:half], df[half:]], rechunk=True)  # laid out anew
    if stream:
        df.write_ipc_stream(sink)
    else:
        df.write_ipc(sink)
    return df.height


LIBRARIES = {"pyarrow": with_pyarrow, "polars": with_polars}


def serve(request):
    library = LIBRARIES[request["library"]]
    sink = io.BytesIO()
    if "address" in request:
        with socket.create_connection(tuple(request["address"])) as s:
            with s.makefile("rb") as f:
                data = f.read()
            rows = library(data, True, sink)
            s.sendall(sink.getvalue())
        return rows
    with open(request["in"], "rb") as f:
        data = f.read()
    rows = library(data, False, sink)
    with open(request["out"], "wb") as f:
        f.write(sink.getvalue())
    return rows


for line in sys.stdin:
    try:
        print(json.dumps({"rows": serve(json.loads(line))}), flush=True)
    except BaseException as e:  # polars panics with no Exception
        print(json.dumps({"error": f"{type(e).__name__}: {e}"}), flush=True)
