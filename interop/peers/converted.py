"""Reads files that were made of Arrow files and compares them with those.

Reads lines of JSON from standard input, each {"original": path, "converted": path}, and prints one for each:
{"rows": n, "compared": columns}, or {"error": text}. The formats are told by the extensions.
"""

import base64
import decimal
import io
import json
import struct
import sys
import uuid

import duckdb
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq


def original(path):
    with open(path, "rb") as f:
        data = f.read()
    if data[:6] == b"ARROW1":
        return pa.ipc.open_file(data).read_all()
    return pa.ipc.open_stream(data).read_all()


def plain(t):
    """Tells whether columns of a type are compared value by value: those that Parquet has, or that are restored."""
    if pa.types.is_union(t) or pa.types.is_interval(t) or pa.types.is_null(t) or pa.types.is_run_end_encoded(t):
        return False
    if isinstance(t, pa.BaseExtensionType):
        return plain(t.storage_type)
    if pa.types.is_dictionary(t):
        return plain(t.value_type)
    if pa.types.is_struct(t):
        names = {t.field(i).name for i in range(t.num_fields)}  # of fields with one name Python sees no values
        return 0 < t.num_fields == len(names) and all(plain(t.field(i).type) for i in range(t.num_fields))
    if pa.types.is_map(t):
        return plain(t.key_type) and plain(t.item_type)
    if pa.types.is_nested(t):
        return plain(t.value_type)
    return True


def values(column):
    def of(v, t):
        if v is None:
            return None
        if isinstance(t, pa.BaseExtensionType):
            return of(v, t.storage_type)
        if pa.types.is_dictionary(t):
            return of(v, t.value_type)
        if pa.types.is_map(t):
            return [(of(k, t.key_type), of(x, t.item_type)) for k, x in v]
        if pa.types.is_struct(t):
            return [of(v[t.field(i).name], t.field(i).type) for i in range(t.num_fields)]
        if pa.types.is_nested(t):
            return [of(x, t.value_type) for x in v]
        return v

    t = column.type
    if pa.types.is_temporal(t):  # beyond what Python's types hold
        width = pa.int64() if t.bit_width == 64 else pa.int32()
        scale = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
        unit = getattr(t, "unit", "ms" if pa.types.is_date64(t) else None)
        by = scale[unit] if unit else 86400 * 10**9
        return [None if v is None else v * by for v in column.cast(width).to_pylist()]
    if isinstance(t, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], t.storage_type)
    return [of(v, column.type) for v in column.to_pylist()]


def same(a, b):
    if isinstance(a, float) and isinstance(b, float):
        return a == b or a != a and b != b
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def parquet(want, path):
    got = pq.ParquetFile(path).read()
    if got.num_rows != want.num_rows or got.num_columns != want.num_columns:
        raise ValueError(f"{got.num_rows} rows of {got.num_columns} columns, want {want.num_rows} of {want.num_columns}")
    compared = 0
    for i in range(want.num_columns):
        try:
            field = want.schema.field(i)
            if not plain(field.type):
                continue
        except KeyError:  # an interval that pyarrow has no type for
            continue
        a, b = values(got.column(i)), values(want.column(i))
        for row, (x, y) in enumerate(zip(a, b)):
            if not same(x, y):
                raise ValueError(f"column {field.name}, row {row}: {x!r}, want {y!r}")
        compared += 1
    return compared


def seconds_of(day):
    """Returns the days from 1970 to a day YYYY-MM-DD, whose year may have a sign and more digits, in seconds."""
    sign, day = (-1, day[1:]) if day[0] == "-" else (1, day.lstrip("+"))
    year, month, day = (int(part) for part in day.split("-"))
    year = sign * year - (month <= 2)
    era = year // 400
    in_era = (year - era * 400) * 365 + (year - era * 400) // 4 - (year - era * 400) // 100
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return (era * 146097 + in_era + in_year - 719468) * 86400


def nanos_of(clock):
    hours, minutes, seconds = clock.split(":")
    whole, _, part = seconds.partition(".")
    return (int(hours) * 3600 + int(minutes) * 60 + int(whole)) * 10**9 + int((part + "0" * 9)[:9])


def instant(text):
    day, _, clock = text.removesuffix("Z").partition("T")
    return seconds_of(day) * 10**9 + (nanos_of(clock) if clock else 0)


def in_text(t, top=True):
    """Tells whether columns of a type are compared in text: those that have one value for each row, by docs/text.md."""
    if isinstance(t, pa.BaseExtensionType):
        return in_text(t.storage_type, top)
    if pa.types.is_dictionary(t):
        return in_text(t.value_type, top)
    if pa.types.is_nested(t):
        if pa.types.is_map(t):
            return in_text(t.key_type, False) and in_text(t.item_type, False)
        if pa.types.is_struct(t):
            return all(in_text(t.field(i).type, False) for i in range(t.num_fields))
        return in_text(t.value_type, False)
    return top or not pa.types.is_temporal(t)  # which Python has as objects


def of_text(v, t):
    """Returns the value of a text, or of a value of JSON, as values does."""
    if v is None:
        return None
    if isinstance(t, pa.UuidType):
        return uuid.UUID(v).bytes
    if isinstance(t, pa.BaseExtensionType):
        return of_text(v, t.storage_type)
    if pa.types.is_dictionary(t):
        return of_text(v, t.value_type)
    if pa.types.is_map(t):
        return [(of_text(e["key"], t.key_type), of_text(e["value"], t.item_type)) for e in v]
    if pa.types.is_struct(t):
        return [of_text(v[t.field(i).name], t.field(i).type) for i in range(t.num_fields)]
    if pa.types.is_nested(t):
        return [of_text(e, t.value_type) for e in v]
    if pa.types.is_boolean(t):
        return v if isinstance(v, bool) else {"true": True, "false": False}[v]
    if pa.types.is_integer(t):
        return int(v)
    if pa.types.is_floating(t):  # as near as the type has it
        form = {16: "e", 32: "f", 64: "d"}[t.bit_width]
        return struct.unpack(form, struct.pack(form, float(v)))[0]
    if pa.types.is_decimal(t):
        return decimal.Decimal(v)
    if pa.types.is_duration(t):
        return int(v) * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[t.unit]
    if pa.types.is_time(t):
        return nanos_of(v) if ":" in v else int(v) * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[t.unit]
    if pa.types.is_timestamp(t):
        return instant(v) if "-" in v[1:] else int(v) * {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}[t.unit]
    if pa.types.is_date(t):
        return instant(v)
    if pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t):
        return v
    return base64.b64decode(v, validate=True)


def texts(want, columns, nested):
    """Compares columns of texts or values of JSON with those that they were printed of; nested values may be JSON in a text."""
    compared = 0
    for i, got in enumerate(columns):
        try:
            field = want.schema.field(i)
            if not plain(field.type) or not in_text(field.type):
                continue
        except KeyError:  # an interval that pyarrow has no type for
            continue
        t = field.type.storage_type if isinstance(field.type, pa.BaseExtensionType) else field.type
        if pa.types.is_dictionary(t):
            t = t.value_type
        for row, (x, y) in enumerate(zip(got, values(want.column(i)), strict=True)):
            if nested and x is not None and pa.types.is_nested(t):
                x = json.loads(x)
            if not same(of_text(x, field.type), y):
                raise ValueError(f"column {field.name}, row {row}: {x!r}, want {y!r}")
        compared += 1
    return compared


def engines(want, path):
    """Has polars and DuckDB count the rows of what they read."""
    rows = duckdb.execute("SELECT count(*) FROM (SELECT * FROM read_parquet(?))", [path]).fetchone()[0]
    if rows != want.num_rows:
        raise ValueError(f"DuckDB reads {rows} rows, want {want.num_rows}")
    rows = polars.read_parquet(path).height
    if rows != want.num_rows:
        raise ValueError(f"polars reads {rows} rows, want {want.num_rows}")


def arrays(want, path):
    """Has polars and DuckDB count the rows of an array of JSON."""
    rows = duckdb.execute("SELECT count(*) FROM (SELECT * FROM read_json(?, format = 'array', maximum_object_size = 100000000))", [path]).fetchone()[0]
    if rows != want.num_rows:
        raise ValueError(f"DuckDB reads {rows} rows, want {want.num_rows}")
    rows = polars.read_json(path, infer_schema_length=None).height
    if rows != want.num_rows:
        raise ValueError(f"polars reads {rows} rows, want {want.num_rows}")


def convert(job):
    want, path = original(job["original"]), job["converted"]
    if path.endswith(".parquet"):
        compared = parquet(want, path)
        if job["engines"]:
            engines(want, path)
        return {"rows": want.num_rows, "compared": compared}
    if path.endswith(".csv"):
        options = pa.csv.ParseOptions(newlines_in_values=True)
        convert = pa.csv.ConvertOptions(
            column_types={n: pa.string() for n in set(want.schema.names)},
            null_values=[job["null"]], strings_can_be_null=True, quoted_strings_can_be_null=False,
        )
        got = pa.csv.read_csv(path, parse_options=options, convert_options=convert)
        if got.schema.names != want.schema.names:
            raise ValueError(f"columns {got.schema.names}, want {want.schema.names}")
        compared = texts(want, [c.to_pylist() for c in got.columns], True)
    elif path.endswith(".json"):
        with open(path, encoding="utf-8") as f:
            rows = json.load(f)
        if len(rows) != want.num_rows:
            raise ValueError(f"{len(rows)} rows, want {want.num_rows}")
        compared = 0
        if len(set(want.schema.names)) == want.num_columns:
            compared = texts(want, [[row[n] for row in rows] for n in want.schema.names], False)
            if job["engines"] and rows and want.num_columns:
                arrays(want, path)
        return {"rows": len(rows), "compared": compared}
    else:
        got = pa.json.read_json(path, read_options=pa.json.ReadOptions(block_size=1 << 24)) if want.num_rows else want
        compared = 0
        if len(set(want.schema.names)) == want.num_columns:
            with open(path, encoding="utf-8") as f:
                lines = [json.loads(line) for line in f]
            compared = texts(want, [[line[n] for line in lines] for n in want.schema.names], False)
    if got.num_rows != want.num_rows:
        raise ValueError(f"{got.num_rows} rows, want {want.num_rows}")
    return {"rows": got.num_rows, "compared": compared}


for line in sys.stdin:
    job = json.loads(line)
    try:
        answer = convert(job)
    except (Exception, polars.exceptions.PanicException) as e:
        answer = {"error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)
