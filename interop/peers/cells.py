"""The exchange of values between the two sides of a cell.

A column is a list of cells, the same text whoever prints it:

    null             null
    bool             true or false
    integer          all its digits
    timestamp        the integer in the column's unit
    float            its bits as hex digits, "3ff0000000000000"; every NaN is "nan"
    text             the string
    binary           hex digits
    dictionary       the value that the index stands for

Types are written as the Go side writes them: "timestamp[us, UTC]", "dictionary<int8, large_utf8>".
"""
import re
import struct

# Bits, and the struct format, of a float type.
FLOATS = {"float16": ("H", "e", 4), "float32": ("I", "f", 8), "float64": ("Q", "d", 16)}


def split_type(name):
    """Return (kind, arguments): "timestamp[us, UTC]" is ("timestamp", ["us", "UTC"])."""
    m = re.fullmatch(r"(\w+)(?:[\[<](.*)[\]>])?", name)
    if not m:
        raise ValueError("type %r" % name)
    return m[1], m[2].split(", ") if m[2] else []


def nan_bits(name):
    return {"float16": 0x7E00, "float32": 0x7FC00000, "float64": 0x7FF8000000000000}[name]


def bits_of_cell(name, cell):
    """The bits of a float's cell, as an integer."""
    if cell is None:
        return None
    return nan_bits(name) if cell == "nan" else int(cell, 16)


def float_of_cell(name, cell):
    if cell is None:
        return None
    as_int, as_float, _ = FLOATS[name]
    return struct.unpack("<" + as_float, struct.pack("<" + as_int, bits_of_cell(name, cell)))[0]


def cell_of_bits(name, bits):
    if bits is None:
        return None
    as_int, as_float, digits = FLOATS[name]
    value = struct.unpack("<" + as_float, struct.pack("<" + as_int, bits))[0]
    return "nan" if value != value else "%0*x" % (digits, bits)


def cell_of_float(name, value):
    if value is None:
        return None
    as_int, as_float, _ = FLOATS[name]
    return cell_of_bits(name, struct.unpack("<" + as_int, struct.pack("<" + as_float, value))[0])


def bytes_of_cell(cell):
    return None if cell is None else bytes.fromhex(cell)


def cell_of_bytes(value):
    return None if value is None else value.hex()


def numbered(values, known):
    """Return the index of each value in known, a dict of value to index that grows; None stays None."""
    return [None if v is None else known.setdefault(v, len(known)) for v in values]
