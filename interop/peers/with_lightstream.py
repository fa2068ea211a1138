"""lightstream-io: the Python package of the Rust Lightstream. It opens connections itself, from a URI; what it reads and writes
goes through pyarrow's arrays, by the Arrow C interface.

    {"op": "write", "uri": "uds:///…", "accept": true, …}     as for the others
    {"op": "write", "uri": …, "members": […], "frames": […]}   the Lightstream protocol
"""
import importlib.metadata

import lightstream
import pyarrow as pa

import cells
import with_pyarrow as arrow

VERSION = importlib.metadata.version("lightstream-io")


def opened(open_, request):
    """A reader or writer of the request's URI, with its members registered."""
    kw = {"protocol": "lightstream"} if request.get("members") else {}
    for name in "tls_cert", "tls_key", "tls_ca", "parallel":
        if name in request:
            kw[name] = request[name]
    end = open_(request["uri"], accept=request.get("accept", False), **kw)
    for m in request.get("members") or []:
        if "schema" in m:
            # What is registered is the schema of a table that has rows.
            batches = [f["batch"] for f in request["frames"] if f["name"] == m["name"]]
            end.register_table(m["name"], tables(m["schema"], batches, {})[0])
        else:
            end.register_message(m["name"])
    return end


def tables(schema, batches, options):
    built, batches = arrow.build({"schema": schema, "batches": batches, "options": options})
    return [pa.Table.from_batches([b], built) for b in batches]


def write(request):
    out = opened(lightstream.write, request)
    try:
        if request.get("members"):
            schemas = {m["name"]: m.get("schema") for m in request["members"]}
            ready = {name: tables(schema, [f["batch"] for f in request["frames"] if f["name"] == name], request["options"])
                     for name, schema in schemas.items() if schema}
            for f in request["frames"]:
                if "batch" in f:
                    out.write(ready[f["name"]].pop(0), f["name"])
                else:
                    out.write_message(f["name"], bytes.fromhex(f["payload"]))
        else:
            for t in tables(request["schema"], request["batches"], request["options"]):
                out.write(t)
    finally:
        out.close()
    return {"ok": True}


def taken(table):
    """A table as a batch of cells, and its schema. Column by column: a whole table's schema leaves out which are dictionaries."""
    fields, columns = table.schema.fields, [pa.array(table[f.name]) for f in table.schema.fields]
    schema = [{"name": f.name, "type": arrow.name_of(c.type), "nullable": f.nullable} for f, c in zip(fields, columns)]
    return schema, {"rows": table.n_rows, "columns": [arrow.cells_of(c) for c in columns]}


def read(request):
    source = opened(lightstream.read, request)
    if request.get("members"):
        frames = []
        for f in source:
            name = request["members"][f.tag]["name"]
            if f.is_table():
                frames.append({"name": name, "batch": taken(f.table)[1]})
            else:
                frames.append({"name": name, "payload": f.payload.hex()})
        return {"frames": frames}
    schema, batches = [], []
    for t in source:
        schema, batch = taken(t)
        batches.append(batch)
    return {"schema": schema, "batches": batches}


def serve(request):
    return write(request) if request["op"] == "write" else read(request)
