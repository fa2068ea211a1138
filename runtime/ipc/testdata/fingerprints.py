"""Computes the fingerprints of some schemas, from the description of the digest alone and not from the Go that is tested
against them. Writes fingerprints.json:  python3 fingerprints.py > fingerprints.json
"""

import hashlib
import json
import struct

# Type: number in union Type, then the names of its parameters in slot order with the width they are digested in.
TYPES = {
    "null": (1, []), "int": (2, [("bits", "i"), ("signed", "B")]), "float": (3, [("precision", "h")]),
    "binary": (4, []), "utf8": (5, []), "bool": (6, []),
    "decimal": (7, [("precision", "i"), ("scale", "i"), ("bits", "i")]), "date": (8, [("unit", "h")]),
    "time": (9, [("unit", "h"), ("bits", "i")]), "timestamp": (10, [("unit", "h"), ("zone", "s")]),
    "interval": (11, [("unit", "h")]), "list": (12, []), "struct": (13, []),
    "union": (14, [("mode", "h"), ("type_ids", "v")]), "fixed_size_binary": (15, [("width", "i")]),
    "fixed_size_list": (16, [("width", "i")]), "map": (17, [("sorted", "B")]), "duration": (18, [("unit", "h")]),
    "large_binary": (19, []), "large_utf8": (20, []), "large_list": (21, []), "run_end_encoded": (22, []),
    "binary_view": (23, []), "utf8_view": (24, []), "list_view": (25, []), "large_list_view": (26, []),
}


def text(s):
    b = s.encode()
    return struct.pack("<I", len(b)) + b


def digest(fields):
    out = struct.pack("<I", len(fields))
    for f in fields:
        number, parameters = TYPES[f["type"]]
        children = f.get("children", [])
        out += text(f["name"]) + struct.pack("<BB", f.get("nullable", False), number)
        for name, form in parameters:
            if form == "s":
                out += text(f.get(name, ""))
            elif form == "v":
                ids = f.get(name, list(range(len(children))))
                out += struct.pack("<I", len(ids)) + b"".join(struct.pack("<i", i) for i in ids)
            else:
                out += struct.pack("<" + form, f.get(name, 0))
        index = f.get("index")
        out += struct.pack("<B", index is not None)
        if index is not None:
            out += struct.pack("<BBB", index["bits"], index["signed"], f.get("ordered", False))
        out += digest(children)
    return out


def field(name, type, **rest):
    return {"name": name, "type": type, **rest}


INT32 = field("item", "int", bits=32, signed=True)
SCHEMAS = {
    "empty": [],
    "numbers": [field(f"{'u' * (not s)}int{b}", "int", bits=b, signed=s, nullable=s) for b in (8, 16, 32, 64) for s in (False, True)]
    + [field(f"f{p}", "float", precision=p) for p in range(3)],
    "texts": [field(t, t, nullable=True) for t in ("binary", "utf8", "large_binary", "large_utf8", "binary_view", "utf8_view")],
    "times": [field(f"t{u}", "timestamp", unit=u, zone=z) for u in range(4) for z in ("", "UTC", "Europe/Berlin")]
    + [field("d32", "date", unit=0), field("d64", "date", unit=1), field("t32", "time", unit=1, bits=32)]
    + [field("t64", "time", unit=3, bits=64), field("dur", "duration", unit=2)]
    + [field(f"i{u}", "interval", unit=u) for u in range(3)],
    "decimals": [field(f"d{b}", "decimal", precision=9, scale=s, bits=b) for b, s in ((32, 2), (64, 0), (128, -3), (256, 9))],
    "dictionaries": [
        field("a", "utf8", index={"bits": 32, "signed": True}),
        field("b", "utf8", index={"bits": 8, "signed": False}, ordered=True, nullable=True),
        field("c", "int", bits=64, signed=True, index={"bits": 16, "signed": True}),
    ],
    "nested": [
        field("l", "list", children=[INT32]),
        field("ll", "large_list", nullable=True, children=[INT32]),
        field("fl", "fixed_size_list", width=3, children=[INT32]),
        field("lv", "list_view", children=[INT32]),
        field("llv", "large_list_view", children=[INT32]),
        field("s", "struct", children=[field("x", "bool"), field("y", "list", children=[field("item", "utf8", nullable=True)])]),
        field("m", "map", sorted=True, children=[field("entries", "struct", children=[field("key", "utf8"), field("value", "null", nullable=True)])]),
        field("su", "union", mode=0, children=[field("i", "bool"), field("j", "utf8")]),
        field("du", "union", mode=1, type_ids=[5, 7], children=[field("i", "bool"), field("j", "utf8")]),
        field("r", "run_end_encoded", children=[field("run_ends", "int", bits=32, signed=True), field("values", "utf8", nullable=True)]),
        field("fb", "fixed_size_binary", width=16),
    ],
    "names": [field("", "bool"), field("größe", "bool"), field("a\x00b", "bool")],
}

print(json.dumps(
    {name: {"fields": fields, "fingerprint": hashlib.sha256(b"LSF1" + digest(fields)).digest()[:16].hex()} for name, fields in SCHEMAS.items()},
    indent=1, ensure_ascii=True))
