"""Compares streams and files with what was written of them anew.

Reads lines of JSON from standard input, each {"original": path, "rewritten": path}, and prints one for each:
{"batches": n, "rows": n}, or {"error": text}. What is a file and what a stream is told by the first bytes.
"""

import json
import sys

import pyarrow as pa


def read(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:6] == b"ARROW1":
        r = pa.ipc.open_file(data)
        batches = [r.get_batch_with_custom_metadata(i) for i in range(r.num_record_batches)]
        return r.schema, [(b.batch, b.custom_metadata) for b in batches]
    r = pa.ipc.open_stream(data)
    return r.schema, [(b.batch, b.custom_metadata) for b in r.iter_batches_with_custom_metadata()]


def metadata(m):
    return dict(m) if m else {}


def valid(batch):
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def compare(original, rewritten):
    schema, want = read(original)
    again, got = read(rewritten)
    if not again.equals(schema, check_metadata=True):
        raise ValueError(f"schema is {again}, want {schema}")
    if len(got) != len(want):
        raise ValueError(f"{len(got)} batches, want {len(want)}")
    for n, ((a, am), (b, bm)) in enumerate(zip(got, want)):
        if valid(b):  # golden files have decimals of too many digits
            a.validate(full=True)
        if metadata(am) != metadata(bm):
            raise ValueError(f"batch {n} has the metadata {am}, want {bm}")
        if a.equals(b):
            continue
        for i, field in enumerate(schema):
            x, y = a.column(i), b.column(i)
            # NaN is not equal to itself, and dictionaries of a file may hold more.
            if not x.equals(y) and repr(x.to_pylist()) != repr(y.to_pylist()):
                raise ValueError(f"batch {n}, column {field.name} differs: {x.to_pylist()!r:.200}, want {y.to_pylist()!r:.200}")
    return {"batches": len(want), "rows": sum(b.num_rows for b, _ in want)}


for line in sys.stdin:
    job = json.loads(line)
    try:
        answer = compare(job["original"], job["rewritten"])
    except Exception as e:  # whatever it is, it is reported
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
