// What a value looks like, and what it is on a chart, for both decoders: they number the types alike.

export const Type = {
  Null: 1, Int: 2, Float: 3, Binary: 4, Utf8: 5, Bool: 6, Decimal: 7, Date: 8, Time: 9, Timestamp: 10, Interval: 11, List: 12,
  Struct: 13, Union: 14, FixedSizeBinary: 15, FixedSizeList: 16, Map: 17, Duration: 18, LargeBinary: 19, LargeUtf8: 20,
  LargeList: 21, RunEndEncoded: 22, BinaryView: 23, Utf8View: 24, ListView: 25, LargeListView: 26, Dictionary: -1,
};
const names = Object.fromEntries(Object.entries(Type).map(([name, id]) => [id, name]));
const units = ["s", "ms", "us", "ns"];

// Longer texts and lists are cut: a cell is for looking at.
const longest = 160;
const mostItems = 12;

// describe returns the name of a type as the rest of this project writes it.
export function describe(type) {
  const inner = (i) => describe(type.children[i].type);
  switch (type.typeId) {
    case Type.Int:
      return `${(type.signed ?? type.isSigned) ? "int" : "uint"}${type.bitWidth}`;
    case Type.Float:
      return `float${[16, 32, 64][type.precision]}`;
    case Type.Decimal:
      return `decimal${type.bitWidth}(${type.precision}, ${type.scale})`;
    case Type.Date:
      return ["date32", "date64"][type.unit];
    case Type.Time:
      return `time${type.bitWidth}[${units[type.unit]}]`;
    case Type.Timestamp:
      return `timestamp[${units[type.unit]}${type.timezone ? ", " + type.timezone : ""}]`;
    case Type.Duration:
      return `duration[${units[type.unit]}]`;
    case Type.FixedSizeBinary:
      return `fixed_size_binary[${type.stride ?? type.byteWidth}]`;
    case Type.Dictionary:
      return `dictionary<${describe(type.indices)}, ${describe(type.dictionary)}>`;
    case Type.Struct:
      return `struct<${type.children.map((f) => `${f.name}: ${describe(f.type)}`).join(", ")}>`;
    case Type.List: case Type.LargeList: case Type.ListView: case Type.LargeListView:
      return `list<${inner(0)}>`;
    case Type.FixedSizeList:
      return `list<${inner(0)}>[${type.stride ?? type.listSize}]`;
    case Type.Map: {
      const entry = type.children[0].type.children;
      return `map<${describe(entry[0].type)}, ${describe(entry[1].type)}>`;
    }
    case Type.Union:
      return `union<${type.children.map((f) => describe(f.type)).join(", ")}>`;
    case Type.RunEndEncoded:
      return `run_end_encoded<${inner(1)}>`;
    default:
      return (names[type.typeId] ?? "unknown").toLowerCase();
  }
}

// isNumber tells whether a column can be drawn.
export function isNumber(type) {
  return [Type.Int, Type.Float, Type.Decimal, Type.Bool, Type.Duration].includes(type.typeId);
}

// isTime tells whether a column can be the horizontal axis as a time.
export function isTime(type) {
  return type.typeId === Type.Timestamp || type.typeId === Type.Date;
}

// isRaw tells whether a value is read as the integer that the batch has, since decoders would round it.
export function isRaw(type) {
  return [Type.Date, Type.Time, Type.Timestamp, Type.Duration].includes(type.typeId);
}

const perSecond = [1, 1e3, 1e6, 1e9];

// toNumber returns a value for a chart: seconds for times, NaN for what is none.
export function toNumber(value, type) {
  if (value === null || value === undefined) return NaN;
  switch (type.typeId) {
    case Type.Timestamp: case Type.Duration:
      return Number(value) / perSecond[type.unit];
    case Type.Date:
      return type.unit === 0 ? Number(value) * 86400 : Number(value) / 1e3;
    case Type.Decimal:
      return Number(decimalText(value, type));
    default:
      return Number(value);
  }
}

// show returns the text of a value, or null for a null.
export function show(value, type) {
  if (value === null || value === undefined) return null;
  const inside = (v, t) => show(v, t) ?? "null";
  switch (type.typeId) {
    case Type.Null:
      return null;
    case Type.Int: case Type.Bool:
      return String(value);
    case Type.Float:
      return floatText(value, type);
    case Type.Decimal:
      return decimalText(value, type);
    case Type.Date:
      return type.unit === 0 ? dateText(BigInt(value) * 86400n) : instant(BigInt(value), 1);
    case Type.Time:
      return clock(BigInt(value), type.unit);
    case Type.Timestamp:
      return instant(BigInt(value), type.unit) + (type.timezone ? " Z" : "");
    case Type.Duration:
      return `${value} ${units[type.unit]}`;
    case Type.Utf8: case Type.LargeUtf8: case Type.Utf8View:
      return cut(String(value));
    case Type.Binary: case Type.LargeBinary: case Type.BinaryView: case Type.FixedSizeBinary:
      return hex(value);
    case Type.Dictionary:
      return show(value, type.dictionary);
    case Type.RunEndEncoded:
      return show(value, type.children[1].type);
    case Type.Struct: {
      const row = typeof value.toJSON === "function" ? value.toJSON() : value;
      return cut(`{${type.children.map((f) => `${f.name}: ${inside(row[f.name], timeInside(f.type))}`).join(", ")}}`);
    }
    case Type.Map: {
      const [key, item] = type.children[0].type.children;
      return items(value, (e) => `${inside(e[0], timeInside(key.type))}: ${inside(e[1], timeInside(item.type))}`, "{", "}");
    }
    case Type.List: case Type.LargeList: case Type.ListView: case Type.LargeListView: case Type.FixedSizeList:
      return items(value, (e) => inside(e, timeInside(type.children[0].type)), "[", "]");
    case "inside":
      return timeText(value, type);
    default:
      return generic(value);
  }
}

// Below other columns a time is the integer that the batch has, or a number of milliseconds, as the decoder has it.
function timeInside(type) {
  return isTime(type) ? { typeId: "inside", unit: type.unit, date: type.typeId === Type.Date, zone: type.timezone } : type;
}

// floatText returns the shortest text that stands for a value of its width.
function floatText(value, type) {
  if (Object.is(value, -0)) return "-0";
  if (type.precision === 1) {
    for (let digits = 6; digits <= 9; digits++) {
      const near = Number(value.toPrecision(digits));
      if (Math.fround(near) === value) return String(near);
    }
  }
  return String(value);
}

function timeText(value, type) {
  const text = typeof value === "bigint" ? instant(value, type.unit) : instant(BigInt(Math.floor(value * 1e3)), 2);
  return type.date ? text.slice(0, 10) : text + (type.zone ? " Z" : "");
}

function generic(value) {
  switch (typeof value) {
    case "string":
      return cut(value);
    case "number":
      return String(value);
    case "bigint": case "boolean":
      return String(value);
  }
  if (value instanceof Date) return instant(BigInt(value.getTime()), 1);
  if (value instanceof Uint8Array) return hex(value);
  if (typeof value.toJSON === "function" && !Array.isArray(value)) value = value.toJSON();
  if (value && typeof value[Symbol.iterator] === "function") return items(value, (v) => (v === null ? "null" : generic(v)), "[", "]");
  if (typeof value === "object") {
    return cut(`{${Object.entries(value).map(([k, v]) => `${k}: ${v === null || v === undefined ? "null" : generic(v)}`).join(", ")}}`);
  }
  return cut(String(value));
}

function items(value, text, open, close) {
  const out = [];
  let n = 0;
  for (const item of value) {
    if (n++ === mostItems) {
      out.push("…");
      break;
    }
    out.push(text(item));
  }
  return cut(open + out.join(", ") + close);
}

function cut(text) {
  return text.length > longest ? text.slice(0, longest) + "…" : text;
}

function hex(bytes) {
  let text = "0x";
  for (const b of bytes.subarray(0, 24)) text += b.toString(16).padStart(2, "0");
  return bytes.length > 24 ? `${text}… (${bytes.length} bytes)` : text;
}

// decimalText takes an integer, or the little-endian words of one.
function decimalText(value, type) {
  let n;
  if (typeof value === "bigint" || typeof value === "number") {
    n = BigInt(value);
  } else {
    n = 0n;
    const width = BigInt(value.BYTES_PER_ELEMENT * 8);
    for (let i = value.length - 1; i >= 0; i--) n = (n << width) | BigInt.asUintN(Number(width), BigInt(value[i]));
    n = BigInt.asIntN(Number(width) * value.length, n);
  }
  if (type.scale <= 0) return String(n * 10n ** BigInt(-type.scale));
  const digits = String(n < 0n ? -n : n).padStart(type.scale + 1, "0");
  return `${n < 0n ? "-" : ""}${digits.slice(0, -type.scale)}.${digits.slice(-type.scale)}`;
}

// instant returns the time of a count since 1970 with all of its digits.
function instant(n, unit) {
  const per = BigInt(perSecond[unit]);
  let seconds = n / per;
  let rest = n % per;
  if (rest < 0n) {
    rest += per;
    seconds -= 1n;
  }
  const day = ((seconds % 86400n) + 86400n) % 86400n;
  return `${dateText(seconds)} ${clock(day * per + rest, unit)}`;
}

function dateText(seconds) {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? `${seconds} s` : date.toISOString().replace(/T.*/, "");
}

function clock(n, unit) {
  const per = BigInt(perSecond[unit]);
  const s = n / per;
  const two = (v) => String(v).padStart(2, "0");
  const text = `${two(s / 3600n)}:${two((s / 60n) % 60n)}:${two(s % 60n)}`;
  return unit === 0 ? text : `${text}.${String(n % per).padStart(3 * unit, "0")}`;
}
