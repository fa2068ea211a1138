// The JavaScript side of the table of types: node every_type.mjs apache-arrow|@uwdata/flechette. Requests, answers and cells are
// those of every_type.py. Times, decimals and 64-bit integers are taken from the arrays that the library has decoded them to,
// as what it makes of a single value is often a float.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const range = n => Array.from({ length: n }, (_, i) => i);
const hex = bytes => Buffer.from(bytes).toString('hex');

// text writes JSON in which big integers keep all their digits.
function text(v) {
  if (typeof v === 'bigint') return v.toString();
  if (Array.isArray(v)) return '[' + v.map(text).join(',') + ']';
  if (v !== null && typeof v === 'object') return '{' + Object.entries(v).map(([k, x]) => JSON.stringify(k) + ':' + text(x)).join(',') + '}';
  return JSON.stringify(v);
}

// floatCell is the cell of a float of the given bits.
function floatCell(v, bits) {
  if (Number.isNaN(v)) return 'nan';
  const view = new DataView(new ArrayBuffer(8));
  bits === 32 ? view.setFloat32(0, v) : view.setFloat64(0, v);
  return hex(new Uint8Array(view.buffer, 0, bits / 8));
}

// halfCell is the cell of a float16 given by its bits.
function halfCell(v) {
  return (v & 0x7fff) > 0x7c00 ? 'nan' : v.toString(16).padStart(4, '0');
}

// integer reads a little-endian integer with a sign.
function integer(bytes) {
  let v = 0n;
  for (const b of Array.from(bytes).reverse()) v = v << 8n | BigInt(b);
  return BigInt.asIntN(8 * bytes.length, v);
}

// bytesAt are those of value i of a typed array, of the given width.
function bytesAt(values, i, width) {
  return new Uint8Array(values.buffer, values.byteOffset + i * width, width);
}

// fixed is value i of a fixed-width type, undefined for all others.
function fixed(values, i, t) {
  switch (t.kind) {
    case 'int': return t.signed ? integer(bytesAt(values, i, t.bits / 8)) : BigInt.asUintN(t.bits, integer(bytesAt(values, i, t.bits / 8)));
    case 'float': return t.bits === 16 ? halfCell(values[i]) : floatCell(values[i], t.bits);
    case 'date': case 'time': case 'timestamp': case 'duration': case 'decimal': return integer(bytesAt(values, i, t.bits / 8));
    case 'interval': {
      if (t.variant === 0) return integer(bytesAt(values, i, 4));
      const b = bytesAt(values, i, t.bits / 8);
      const parts = [integer(b.subarray(0, 4)), integer(b.subarray(4, 8))];
      return t.variant === 1 ? parts : [...parts, integer(b.subarray(8, 16))];
    }
    case 'fixed_size_binary': return hex(bytesAt(values, i, t.width));
  }
}

// nested is value i of a nested type, given what both libraries call alike; child makes the cells of child k.
function nested(d, i, t, child) {
  switch (t.kind) {
    case 'list': case 'large_list': case 'map': return child(0).slice(Number(d.offsets[i]), Number(d.offsets[i + 1]));
    case 'list_view': case 'large_list_view': return child(0).slice(Number(d.offsets[i]), Number(d.offsets[i]) + Number(d.sizes[i]));
    case 'fixed_size_list': return child(0).slice(i * t.width, (i + 1) * t.width);
    case 'struct': return t.children.map((_, k) => child(k)[i]);
    case 'sparse_union': return child(t.ids.indexOf(d.typeIds[i]))[i];
    case 'dense_union': return child(t.ids.indexOf(d.typeIds[i]))[d.offsets[i]];
  }
}

// cellsOf makes the cells of a part of a column, given how the library has it.
function cellsOf(part, t, lib) {
  const d = lib.open(part, t);
  if (d.dictionary) {
    const values = d.dictionary.flatMap(p => cellsOf(p, t, lib));
    return range(d.length).map(i => d.valid(i) ? values[Number(d.values[i])] : null);
  }
  const kept = [];
  const child = k => kept[k] ??= cellsOf(d.children[k], t.children[k], lib);
  if (t.kind === 'null') return range(d.length).map(() => null);
  if (t.kind === 'run_end_encoded') {
    const ends = child(0).map(Number), values = child(1);
    return range(d.length).map(i => values[ends.findIndex(end => end > i)]);
  }
  return range(d.length).map(i => {
    if (!d.valid(i)) return null;
    const v = fixed(d.values, i, t) ?? nested(d, i, t, child);
    if (v !== undefined) return v;
    const x = d.get(i);
    return x instanceof Uint8Array ? hex(x) : x;
  });
}

const libraries = {
  'apache-arrow': async () => {
    const arrow = await import('apache-arrow');
    return {
      columns: bytes => {
        const table = arrow.tableFromIPC(bytes);
        return table.schema.fields.map((_, i) => table.getChildAt(i).data);
      },
      open: d => {
        const vector = arrow.makeVector(d);
        return {
          length: d.length, valid: i => vector.isValid(i), values: d.values, offsets: d.valueOffsets, typeIds: d.typeIds,
          children: d.children, dictionary: d.dictionary?.data, get: i => vector.get(i),
        };
      },
    };
  },
  '@uwdata/flechette': async () => {
    const flechette = await import('@uwdata/flechette');
    return {
      columns: bytes => {
        const table = flechette.tableFromIPC(bytes, { useBigInt: true, useBigIntTimestamp: true, useDecimalInt: true });
        return range(table.numCols).map(i => table.getChildAt(i).data);
      },
      open: b => ({
        length: b.length, valid: i => !b.nullCount || !b.validity || b.isValid(i), values: b.values, offsets: b.offsets, sizes: b.sizes,
        typeIds: b.typeIds, children: b.children, dictionary: b.dictionary?.data, get: i => b.at(i),
      }),
    };
  },
};

const name = process.argv[2];
const lib = await libraries[name]();

for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    const request = JSON.parse(line);
    if (request.op === 'version') {
      const own = JSON.parse(readFileSync(new URL('node_modules/' + name + '/package.json', import.meta.url))).version;
      answer = { version: own };
    } else {
      const columns = lib.columns(readFileSync(request.path));
      answer = { columns: columns.map((parts, i) => parts.flatMap(p => cellsOf(p, request.types[i], lib))) };
    }
  } catch (e) {
    answer = { error: `${e.name}: ${e.message}` };
  }
  process.stdout.write(text(answer) + '\n');
}
