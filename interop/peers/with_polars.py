"""polars: builds, writes, reads and takes apart data frames. It keeps neither batches nor which columns are nullable."""
import polars as pl

import cells

VERSION = pl.__version__
PLAIN = {
    "bool": pl.Boolean, "int8": pl.Int8, "int16": pl.Int16, "int32": pl.Int32, "int64": pl.Int64,
    "uint8": pl.UInt8, "uint16": pl.UInt16, "uint32": pl.UInt32, "uint64": pl.UInt64,
    "float32": pl.Float32, "float64": pl.Float64, "list<item: int32>": pl.List(pl.Int32), "null": pl.Null,
}
FLOATS = {pl.Float32: "float32", pl.Float64: "float64"}


def series(name, type_name, column):
    """The types are those of the table that the frame is made from; what polars makes of them is its own affair."""
    if type_name in PLAIN and type_name not in cells.FLOATS:
        return pl.Series(name, column, dtype=PLAIN[type_name])
    kind, args = cells.split_type(type_name)
    if kind in cells.FLOATS:
        return pl.Series(name, [cells.float_of_cell(kind, c) for c in column], dtype=PLAIN[kind])
    if kind == "timestamp":
        return pl.Series(name, column, dtype=pl.Int64).cast(pl.Datetime(args[0], args[1] if len(args) > 1 else None))
    if kind == "binary":
        return pl.Series(name, [cells.bytes_of_cell(c) for c in column], dtype=pl.Binary)
    text = pl.Series(name, column, dtype=pl.String)
    if kind == "categorical":
        return text.cast(pl.Categorical)
    if kind == "enum":
        return text.cast(pl.Enum(sorted(set(column) - {None})))
    return text


def build(request):
    columns = []
    for i, f in enumerate(request["schema"]):
        column = [c for b in request["batches"] for c in b["columns"][i]]
        columns.append(series(f["name"], f["type"], column))
    return pl.DataFrame(columns)


def write(request, sink):
    options = request["options"]
    frame = pl.read_ipc_stream(request["from"]) if "from" in request else build(request)
    if options.get("slice"):
        before, after = options["slice"]
        frame = pl.concat([frame.head(before), frame, frame.tail(after)]).rechunk().slice(before, len(frame))
    level = pl.CompatLevel.oldest() if options.get("oldest") else pl.CompatLevel.newest()
    kw = {"compat_level": level, "compression": options.get("compression") or "uncompressed"}
    if request["format"] == "file":
        rows = max([b["rows"] for b in request["batches"] or []], default=5000)  # so that there are several batches
        frame.write_ipc(sink, record_batch_size=rows or None, **kw)
    else:
        frame.write_ipc_stream(sink, **kw)


def cells_of(s):
    """The cells of a series."""
    if s.dtype in FLOATS:
        return [cells.cell_of_float(FLOATS[s.dtype.base_type()], v) for v in s.to_list()]
    if s.dtype == pl.Datetime:
        return s.to_physical().to_list()
    if s.dtype == pl.Binary:
        return [cells.cell_of_bytes(v) for v in s.to_list()]
    return s.to_list()


def read(request, source):
    if request["format"] == "file":
        frame = pl.read_ipc(source)
    else:
        frame = pl.read_ipc_stream(source)
    return {
        "schema": [{"name": n, "type": str(t), "nullable": True} for n, t in frame.schema.items()],
        "batches": [{"rows": len(frame), "columns": [cells_of(c) for c in frame]}],
    }
