"""Reads a stream of unions and runs, and writes the same rows as a stream of its own: python mixed.py in.arrows out.arrows.

Prints the rows as it has read them, a line of JSON for each: a union is [type id, value].
"""

import json
import sys

import pyarrow as pa

EVENT = [
    pa.field("fill", pa.struct([pa.field("price", pa.float64(), False), pa.field("sizes", pa.list_(pa.field("item", pa.int64(), False)))]), False),
    pa.field("note", pa.string(), False),
    pa.field("null", pa.null()),
]
CODES = [0, 5, 6]


def union(array):
    """The type id and the value of each row."""
    return [[code, value.as_py()] for code, value in zip(array.type_codes.to_pylist(), array)]


def lists(array):
    """The rows of a list of unions."""
    values, offsets = union(array.values), array.offsets.to_pylist()
    return [values[a:b] for a, b in zip(offsets, offsets[1:])]


def rows(batch):
    c = {name: batch.column(name) for name in batch.schema.names}
    columns = [c["id"].to_pylist(), union(c["event"]), union(c["sparse"]), lists(c["events"]), c["venue"].to_pylist(), c["price"].to_pylist()]
    return [list(row) for row in zip(*columns)]


def blank(member):
    return [{"price": 0.0, "sizes": []}, "", None][member]


def members(values, sparse):
    """The columns of the members of union values."""
    out = []
    for k, code in enumerate(CODES):
        cells = [v if c == code else blank(k) for c, v in values if sparse or c == code]
        out.append(pa.array(cells, EVENT[k].type))
    return out


def dense(values):
    seen, offsets = dict.fromkeys(CODES, 0), []
    for code, _ in values:
        offsets.append(seen[code])
        seen[code] += 1
    types = pa.array([code for code, _ in values], pa.int8())
    array = pa.UnionArray.from_dense(types, pa.array(offsets, pa.int32()), members(values, False), [f.name for f in EVENT], CODES)
    return array


def sparse(values):
    types = pa.array([code for code, _ in values], pa.int8())
    return pa.UnionArray.from_sparse(types, members(values, True), [f.name for f in EVENT], CODES)


def runs(values, ends_type, type):
    ends, cells = [], []
    for i, v in enumerate(values):
        if cells and cells[-1] == v:
            ends[-1] = i + 1
        else:
            ends.append(i + 1)
            cells.append(v)
    return pa.RunEndEncodedArray.from_arrays(pa.array(ends, ends_type), pa.array(cells, type))


def main(source, to):
    with pa.ipc.open_stream(source) as reader:
        batches = [b for b in reader]
    out = None
    for batch in batches:
        batch.validate(full=True)
        got = rows(batch)
        for row in got:
            print(json.dumps(row))
        ids, events, sparses, lists, venues, prices = zip(*got)
        flat = [v for one in lists for v in one]
        offsets = [0]
        for one in lists:
            offsets.append(offsets[-1] + len(one))
        # Each union in the other layout, too.
        columns = {
            "id": pa.array(ids, pa.int64()),
            "event": dense(events), "sparse": sparse(sparses),
            "events": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), sparse(flat)),
            "venue": runs(venues, pa.int32(), pa.string()), "price": runs(prices, pa.int64(), pa.float64()),
        }
        again = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
        if out is None:
            out = pa.ipc.new_stream(to, again.schema)
        out.write_batch(again)
    out.close()


main(*sys.argv[1:])
