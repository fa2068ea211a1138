"""pyarrow: builds, writes, reads and takes apart record batches."""
import pyarrow as pa

import cells

VERSION = pa.__version__
PLAIN = {
    "bool": pa.bool_(), "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "utf8": pa.string(), "large_utf8": pa.large_string(), "utf8_view": pa.string_view(),
    "binary": pa.binary(), "large_binary": pa.large_binary(), "binary_view": pa.binary_view(),
    "list<item: int32>": pa.list_(pa.int32()), "null": pa.null(),
}
NAMES = {v: k for k, v in PLAIN.items()}
BITS = {"float16": pa.uint16(), "float32": pa.uint32(), "float64": pa.uint64()}


def parse(name):
    if name in PLAIN:
        return PLAIN[name]
    kind, args = cells.split_type(name)
    if kind == "timestamp":
        return pa.timestamp(*args)
    if kind == "dictionary":
        return pa.dictionary(PLAIN[args[0]], PLAIN[args[1]])
    if kind == "fixed_size_binary":
        return pa.binary(int(args[0]))
    raise ValueError("type %r" % name)


def name_of(t):
    if t in NAMES:
        return NAMES[t]
    if pa.types.is_timestamp(t):
        return "timestamp[%s, %s]" % (t.unit, t.tz) if t.tz else "timestamp[%s]" % t.unit
    if pa.types.is_dictionary(t):
        return "dictionary<%s, %s>" % (name_of(t.index_type), name_of(t.value_type))
    return str(t)


def plain_array(name, column):
    t = parse(name)
    if name in BITS:
        return pa.array([cells.bits_of_cell(name, c) for c in column], BITS[name]).view(t)
    if name.startswith("timestamp"):
        return pa.array(column, pa.int64()).view(t)
    if "binary" in name:
        return pa.array([cells.bytes_of_cell(c) for c in column], t)
    return pa.array(column, t)


class Dictionaries:
    """The dictionaries of the columns, by the way in which they change between batches.

    all      one that has the values of every batch from the start
    grow     one that gets the new values of each batch
    replace  one for each batch
    """

    def __init__(self, how, null_values, fields, batches):
        self.how, self.null_values = how, null_values
        self.known = [self.empty() for _ in fields]
        for i, f in enumerate(fields):
            if how == "all" and f["type"].startswith("dictionary"):
                for b in batches:
                    cells.numbered(b["columns"][i], self.known[i])

    def empty(self):
        """Where nulls are to be values of the dictionary, a dictionary starts with one."""
        return {None: 0} if self.null_values else {}

    def array(self, at, name, column):
        if self.how == "replace":
            self.known[at] = self.empty()
        known = self.known[at]
        if self.null_values:
            indices = [known.setdefault(v, len(known)) for v in column]
        else:
            indices = cells.numbered(column, known)
        t = parse(name)
        return pa.DictionaryArray.from_arrays(pa.array(indices, t.index_type), pa.array(list(known), t.value_type))


def build(request):
    """The schema and the record batches of a request."""
    fields, options = request["schema"], request["options"]
    schema = pa.schema([pa.field(f["name"], parse(f["type"]), nullable=f["nullable"]) for f in fields])
    before, after = options.get("slice", (0, 0))
    how = options.get("dictionaries", "all")
    dictionaries = Dictionaries(how, options.get("null_values"), fields, request["batches"])
    out = []
    for b in request["batches"]:
        arrays = []
        for i, f in enumerate(fields):
            column = b["columns"][i]
            # What is cut off are values of the same column, so that a slice that is read from its start is noticed.
            junk = column[::-1] or [None]
            padded = (junk * before)[:before] + column + (junk * after)[:after]
            make = dictionaries.array if f["type"].startswith("dictionary") else plain
            arrays.append(make(i, f["type"], padded).slice(before, len(column)))
        out.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
        out[-1].validate(full=True)
    return schema, out


def plain(_, name, column):
    return plain_array(name, column)


def write(request, sink):
    if "from" in request:
        r = pa.ipc.open_stream(request["from"])
        schema, batches = r.schema, list(r)
    else:
        schema, batches = build(request)
    options = request["options"]
    kw = {"compression": options.get("compression")}
    kw["emit_dictionary_deltas"] = bool(options.get("deltas"))
    kw["unify_dictionaries"] = bool(options.get("unify"))
    if options.get("legacy"):
        kw.update(metadata_version=pa.ipc.MetadataVersion.V4, use_legacy_format=True)
    new = pa.ipc.new_file if request["format"] == "file" else pa.ipc.new_stream
    with new(sink, schema, options=pa.ipc.IpcWriteOptions(**kw)) as w:
        if options.get("unify"):  # it works for tables only
            w.write_table(pa.Table.from_batches(batches, schema))
        else:
            for b in batches:
                w.write_batch(b)


def cells_of(arr):
    """The cells of an array."""
    t = arr.type
    name = name_of(t)
    if pa.types.is_dictionary(t):
        values = cells_of(arr.dictionary)
        return [None if i is None else values[i] for i in arr.indices.to_pylist()]
    if name in BITS:
        return [cells.cell_of_bits(name, v) for v in arr.view(BITS[name]).to_pylist()]
    if pa.types.is_timestamp(t):
        return arr.view(pa.int64()).to_pylist()
    if "binary" in name:
        return [cells.cell_of_bytes(v) for v in arr.to_pylist()]
    return arr.to_pylist()


def mapped(path, _):
    """A file is mapped, so that its buffers are found where they lie in it."""
    return pa.memory_map(path)


def misaligned(batches):
    """The number of buffers that do not lie at a multiple of 64."""
    buffers = []
    for b in batches:
        for c in b.columns:
            buffers += c.buffers()
            if pa.types.is_dictionary(c.type):
                buffers += c.dictionary.buffers()
    return sum(1 for b in buffers if b is not None and b.size and b.address % 64)


def read(request, source):
    if request["format"] == "file":
        r = pa.ipc.open_file(source)
        batches = [r.get_batch(i) for i in range(r.num_record_batches)]
    else:
        r = pa.ipc.open_stream(source)
        batches = list(r)
    for b in batches:
        b.validate(full=True)
    metadata = r.schema.metadata or {}
    return {
        "schema": [{"name": f.name, "type": name_of(f.type), "nullable": f.nullable} for f in r.schema],
        "misaligned": misaligned(batches) if "path" in request else 0,
        "metadata": {k.decode(): v.decode() for k, v in metadata.items()},
        "batches": [{"rows": b.num_rows, "columns": [cells_of(c) for c in b.columns]} for b in batches],
    }
