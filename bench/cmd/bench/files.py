"""The mapped files of cmd/bench with pyarrow: files.py write FILE ROWS BATCHES MIXED, or files.py open FILE ROWS SUM CLOSE, which
does so again and again: each line of input is for how many seconds, each line of output how often, how long and with how much of the
processor. In the same way files.py csv FILE ROWS LIBRARY reads a file of text, from memory and in one thread."""

import os
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc


def write(name, rows, batches, mixed):
    n = rows // batches
    fields = [("i64", pa.int64()), ("f64", pa.float64()), ("i32", pa.int32()), ("f32", pa.float32())]
    columns = [pa.array(range(n), pa.int64())]
    columns += [columns[0].cast(t, safe=False) for _, t in fields[1:]]
    if mixed:
        values = pa.array(["category-%04d" % i for i in range(1000)])
        fields += [("flag", pa.bool_()), ("text", pa.utf8()), ("category", pa.dictionary(pa.int32(), pa.utf8()))]
        columns += [pa.repeat(pa.scalar(False), n), pa.repeat(pa.scalar("text"), n),
                    pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), n), values)]
    batch = pa.record_batch(columns, schema=pa.schema([pa.field(k, t) for k, t in fields]))
    with pa.OSFile(name, "wb") as f, pa.ipc.new_file(f, batch.schema) as w:
        for _ in range(batches):
            w.write_batch(batch)


def open_file(name, rows, total):
    f = pa.memory_map(name)
    r = pa.ipc.open_file(f)
    views, seen = [], 0
    for i in range(r.num_record_batches):
        batch = r.get_batch(i)
        columns = [batch.column(k) for k in range(4)]
        numbers = [memoryview(c.buffers()[1]).cast(t)[: len(c)] for c, t in zip(columns, "qdif")]
        seen += len(numbers[0])
        if total:
            pc.sum(columns[0])
        views.append(numbers)
    assert seen == rows
    return f, views


def opening(name, rows, total, closing):
    for line in sys.stdin:
        n, took, cpu = 0, 0.0, 0.0
        began = time.perf_counter()
        while time.perf_counter() - began < float(line):
            used, start = time.process_time(), time.perf_counter()
            f, views = open_file(name, rows, total)
            if closing:
                used, start = time.process_time(), time.perf_counter()
                del views
                f.close()
                del f
            took += time.perf_counter() - start
            cpu += time.process_time() - used
            views = f = None
            n += 1
        print(n, took, cpu, flush=True)


def reader(library):
    if library == "polars":
        os.environ["POLARS_MAX_THREADS"] = "1"
        import polars

        return lambda text: polars.read_csv(text, try_parse_dates=True)
    import pyarrow.csv

    options = pyarrow.csv.ReadOptions(use_threads=False)
    return lambda text: pyarrow.csv.read_csv(pa.BufferReader(text), read_options=options)


def reading(name, rows, library):
    read = reader(library)
    with open(name, "rb") as f:
        text = f.read()
    for line in sys.stdin:
        n, began, cpu = 0, time.perf_counter(), time.process_time()
        while time.perf_counter() - began < float(line):
            assert len(read(text)) == rows
            n += 1
        print(n, time.perf_counter() - began, time.process_time() - cpu, flush=True)


verb, name, rows, *flags = sys.argv[1:]
if verb == "write":
    write(name, int(rows), int(flags[0]), flags[1] == "true")
elif verb == "csv":
    reading(name, int(rows), flags[0])
else:
    opening(name, int(rows), *(x == "true" for x in flags))
