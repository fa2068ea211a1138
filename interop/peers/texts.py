"""Reads CSV, lines of JSON and arrays of it with pyarrow, polars and DuckDB and compares them with what they were made of, and writes the same with them.

Usage: texts.py DIR, where flat.arrows and nested.arrows are the tables, and flat.csv, flat.ndjson, flat.json and so on were made of them.
Prints a line of JSON for each file that was read, {"file": name, "by": peer, "values": n} or with "error", and leaves files called
PEER.flat.csv and so on.
"""

import json
import sys

import duckdb
import polars
import pyarrow as pa
import pyarrow.csv
import pyarrow.json

DIR = sys.argv[1] + "/"


def table(name):
    with pa.OSFile(DIR + name + ".arrows") as f:
        return pa.ipc.open_stream(f).read_all()


def compare(got, want):
    if got.column_names != want.column_names:
        raise ValueError(f"columns {got.column_names}, want {want.column_names}")
    n = 0
    for field in want.schema:
        have = got.column(field.name).cast(field.type) if got.schema.field(field.name).type != field.type else got.column(field.name)
        for row, (a, b) in enumerate(zip(have.to_pylist(), want.column(field.name).to_pylist(), strict=True)):
            if a != b:
                raise ValueError(f"column {field.name}, row {row}: {a!r}, want {b!r}")
            n += 1
    return n


def pyarrow_csv(path, want):
    return pa.csv.read_csv(
        path,
        parse_options=pa.csv.ParseOptions(newlines_in_values=True),
        convert_options=pa.csv.ConvertOptions(
            column_types=want.schema, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
        ),
    )


def pyarrow_json(path, want):
    schema = pa.schema([(f.name, pa.string() if pa.types.is_date(f.type) else f.type) for f in want.schema])  # dates are numbers there
    return pa.json.read_json(path, parse_options=pa.json.ParseOptions(explicit_schema=schema))


def of_polars(t):
    """Returns the type of polars for one of Arrow's."""
    if pa.types.is_struct(t):
        return polars.Struct({f.name: of_polars(f.type) for f in t})
    if pa.types.is_list(t):
        return polars.List(of_polars(t.value_type))
    return polars.from_arrow(pa.array([], t)).dtype


def parsed(frame, want):
    """Converts texts to the types wanted."""
    columns = []
    for field in want.schema:
        c = polars.col(field.name)
        if frame.schema[field.name] != polars.String or pa.types.is_string(field.type):
            pass
        elif pa.types.is_boolean(field.type):
            c = c.replace_strict({"true": True, "false": False}, return_dtype=polars.Boolean)
        elif pa.types.is_timestamp(field.type):
            c = c.str.to_datetime(time_unit=field.type.unit, time_zone=field.type.tz)
        elif pa.types.is_date(field.type):
            c = c.str.to_date()
        elif pa.types.is_decimal(field.type):
            c = c.cast(polars.Decimal(field.type.precision, field.type.scale))
        else:
            c = c.cast(of_polars(field.type))
        columns.append(c)
    return frame.select(columns).to_arrow(compat_level=polars.CompatLevel.oldest())


def polars_csv(path, want):
    return parsed(polars.read_csv(path, infer_schema=False), want)


def polars_json(path, want, parse=polars.read_ndjson):
    def read(t):
        if pa.types.is_temporal(t) or pa.types.is_decimal(t):
            return polars.String
        if pa.types.is_integer(t) and t.bit_width < 32:  # which it does not read lines into
            return polars.Int32
        return of_polars(t)

    return parsed(parse(path, schema={f.name: read(f.type) for f in want.schema}), want)


def of_duckdb(t):
    """Returns the name of DuckDB's type for one of Arrow's."""
    if pa.types.is_struct(t):
        return "STRUCT(" + ", ".join(f'"{f.name}" {of_duckdb(f.type)}' for f in t) + ")"
    if pa.types.is_list(t):
        return of_duckdb(t.value_type) + "[]"
    if pa.types.is_timestamp(t):
        return "TIMESTAMPTZ" if t.tz else {"s": "TIMESTAMP_S", "ms": "TIMESTAMP_MS", "us": "TIMESTAMP", "ns": "TIMESTAMP_NS"}[t.unit]
    if pa.types.is_decimal(t):
        return f"DECIMAL({t.precision}, {t.scale})"
    return {
        "bool": "BOOLEAN", "int8": "TINYINT", "int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "uint8": "UTINYINT",
        "uint16": "USMALLINT", "uint32": "UINTEGER", "uint64": "UBIGINT", "float": "FLOAT", "double": "DOUBLE", "string": "VARCHAR",
        "date32[day]": "DATE",
    }[str(t)]


def duckdb_read(path, want, function, options):
    columns = {f.name: of_duckdb(f.type) for f in want.schema}
    return duckdb.sql(f"SELECT * FROM {function}('{path}', columns = {columns}{options})").to_arrow_table()


def duckdb_csv(path, want):
    return duckdb_read(path, want, "read_csv", ", header = true, nullstr = '', allow_quoted_nulls = false")


def duckdb_json(path, want, form="newline_delimited"):
    return duckdb_read(path, want, "read_json", f", format = '{form}'")


def run(name, by, read, want):
    try:
        answer = {"file": name, "by": by, "values": compare(read(DIR + name, want), want)}
    except (Exception, polars.exceptions.PanicException) as e:
        answer = {"file": name, "by": by, "error": f"{type(e).__name__}: {e}"}
    print(json.dumps(answer), flush=True)


duckdb.execute("SET TimeZone = 'UTC'")
flat, nested = table("flat"), table("nested")
for by, csv, lines in ("pyarrow", pyarrow_csv, pyarrow_json), ("polars", polars_csv, polars_json), ("duckdb", duckdb_csv, duckdb_json):
    run("flat.csv", by, csv, flat)
    run("flat.ndjson", by, lines, flat)
    run("nested.ndjson", by, lines, nested)

for name, t in ("flat.json", flat), ("nested.json", nested):  # which pyarrow does not read
    run(name, "polars", lambda path, want: polars_json(path, want, polars.read_json), t)
    run(name, "duckdb", lambda path, want: duckdb_json(path, want, "array"), t)

pa.csv.write_csv(flat, DIR + "pyarrow.flat.csv")
for name, t in ("flat", flat), ("nested", nested):
    frame = polars.from_arrow(t)
    frame.write_ndjson(f"{DIR}polars.{name}.ndjson")
    duckdb.execute(f"COPY (SELECT * FROM t) TO '{DIR}duckdb.{name}.ndjson' (FORMAT json)")
    frame.write_json(f"{DIR}polars.{name}.json")
    duckdb.execute(f"COPY (SELECT * FROM t) TO '{DIR}duckdb.{name}.json' (FORMAT json, ARRAY true)")
duckdb.execute(f"COPY (SELECT * FROM flat) TO '{DIR}duckdb.flat.csv' (FORMAT csv, HEADER)")
polars.from_arrow(flat).write_csv(DIR + "polars.flat.csv")
