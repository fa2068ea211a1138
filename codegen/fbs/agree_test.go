package fbs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/lightstream-go/lightstream/codegen/fbs"
)

// parseText parses one file that is not on disk.
func parseText(src string) (*fbs.Schema, error) {
	fsys := fstest.MapFS{"a.fbs": {Data: []byte(src)}}
	return fbs.Parse("a.fbs", &fbs.Options{Open: fbs.OpenFS(fsys)})
}

// verdicts are small schemas, and whether they are right. Where flatc thinks otherwise there is a reason.
var verdicts = []struct {
	src    string
	ok     bool
	differ string // why flatc says the opposite, "" if it agrees
}{
	// Enums.
	{`enum E : byte { A, B }`, true, ""},
	{`enum E : bool { A }`, false, ""},
	{`enum E : float { A }`, false, ""},
	{`enum E : E2 { A }`, false, ""},
	{`enum E { A }`, false, ""},
	{`enum E : byte { B = 2, A = 1 }`, true, ""},
	{`enum E : byte { A = 1, B = 1 }`, false, ""},
	{`enum E : byte { A, A }`, false, ""},
	{`enum E : byte { }`, true, ""},
	{`enum E : ubyte { A = 255 }`, true, ""},
	{`enum E : ubyte { A = 255, B }`, false, ""},
	{`enum E : ubyte { A = 256 }`, false, ""},
	{`enum E : byte { A = -129 }`, false, ""},
	{`enum E : long { A = -5, B }`, true, ""},
	{`enum E : ulong { A = 18446744073709551615 }`, true, ""},
	{`enum E : byte { A = B }`, false, ""},
	{`enum E : byte { A = 1.5 }`, false, ""},
	{`enum E : ubyte (bit_flags) { A = 7, B = 0 }`, true, ""},
	{`enum E : byte (bit_flags) { A }`, false, "flatc only warns"},
	{`enum E : ubyte (bit_flags) { A = 8 }`, false, ""},
	{`enum E : ubyte (bit_flags) { A = 7, B }`, false, ""},
	{`enum E : byte { A, } table T { e: E; }`, true, ""},
	{`enum E : byte { A = 1 } table T { e: E; }`, false, ""},
	{`enum E : byte { A = 1 } table T { e: E = A; }`, true, ""},
	{`enum E : byte { A = 1 } table T { e: E = null; }`, true, ""},
	{`enum E : byte { A } table T { e: E = B; }`, false, ""},
	{`enum E : byte { A } table T { e: E = 7; }`, false, ""},
	{`enum E : byte { A } table T { e: E = 1.5; }`, false, ""},
	{`enum E : byte { A, B } table T { e: E = E.B; }`, true, "flatc takes the name of the value alone"},
	{`enum E : ubyte (bit_flags) { A, B } table T { e: E = "A B"; f: E = 3; g: E; }`, true, ""},
	{`enum E : ubyte { A, B } table T { e: E = "B"; }`, true, ""},
	{`table T { e: E = A; } enum E : byte { A }`, true, "flatc wants the enum first"},

	// Tables.
	{`table T {}`, true, ""},
	{`table T { a: int; };`, false, ""},
	{`table T { a: int }`, false, ""},
	{`table T { a: int, b: int; }`, false, ""},
	{`table T { a int; }`, false, ""},
	{`table T { a: ; }`, false, ""},
	{`table T { a: int; a: int; }`, false, ""},
	{`table T { T: int; }`, false, ""},
	{`table T { table: int; struct: int; type: int; }`, true, ""},
	{`table table { x: int; }`, true, ""},
	{`table T {} table T {}`, false, ""},
	{`table T {} struct T { a: int; }`, false, ""},
	{`table T {} union T { T2 } table T2 {}`, false, ""},
	{`table T { a: U; }`, false, ""},
	{`table T { a: [int]; b: [T]; c: [string]; d: T; e: string; }`, true, ""},
	{`table T { a: [[int]]; }`, false, ""},
	{`table T { a: [int:3]; }`, false, ""},
	{`table T { a: float32; b: float64; c: int8; d: uint64; e: uint8; f: int16; g: uint16; h: int32; i: uint32; }`, true, ""},
	{`table T { a: int (required); }`, false, ""},
	{`table T { a: string (required, key); }`, true, ""},
	{`table T { a: string (key); b: int (key); }`, false, ""},
	{`table T { a: [int] (key); }`, false, ""},
	{`table T { a: int (deprecated); }`, true, ""},
	{`table T { a: int (foo); }`, false, ""},
	{`attribute "foo"; table T { a: int (foo); }`, true, ""},
	{`attribute foo; table T { a: int (foo: 3, deprecated); }`, true, ""},
	{`table T { a: int (foo); } attribute "foo";`, true, "flatc wants the declaration first"},
	{`table T { a: int (id: 0); b: int; }`, false, ""},
	{`table T { a: int (id: 1); b: int (id: 0); }`, true, ""},
	{`table T { a: int (id: 0); b: int (id: 2); }`, false, ""},
	{`table T { a: int (id: 0); b: int (id: 0); }`, false, ""},
	{`table T { a: int (id: "0"); }`, true, ""},
	{`table T { a: int (id: x); }`, false, ""},
	{`table T { a: int (id); }`, false, "flatc takes no number for 0"},
	{`table T { a: [ubyte] (nested_flatbuffer: "T"); }`, true, ""},
	{`table T { a: [int] (nested_flatbuffer: "T"); }`, false, ""},

	// Defaults.
	{`table T { a: int = 3; b: int = -0x10; c: int = +3; d: ulong = 18446744073709551615; e: long = -9223372036854775808; }`, true, ""},
	{`table T { a: int = 007; b: float = 5; c: float = .5; d: float = 5.; e: double = 1e-3; f: float = 0x1.8p3; }`, true, ""},
	{`table T { a: float = nan; b: float = -inf; c: double = +infinity; d: double = inf; }`, true, ""},
	{`table T { a: bool = true; b: bool = false; c: bool = 1; d: bool = 0; }`, true, ""},
	{`table T { a: bool = 2; }`, false, "flatc takes any number"},
	{`table T { a: int = null; b: bool = null; c: double = null; }`, true, ""},
	{`table T { a: string = null; }`, false, ""},
	{`table T { a: int = 3000000000; }`, false, ""},
	{`table T { a: ubyte = -1; }`, false, ""},
	{`table T { a: ubyte = 256; }`, false, ""},
	{`table T { a: int = 1.5; }`, false, ""},
	{`table T { a: int = "3"; b: double = "1.5"; }`, true, ""},
	{`table T { a: int = "x"; }`, false, ""},
	{`table T { a: int = x; }`, false, ""},
	{`table T { a: int = -x; }`, false, ""},
	{`table T { a: int = ; }`, false, ""},
	{`table T { a: double = cos(1.0); }`, false, "functions are not supported"},
	{`table T { a: T = 3; }`, false, ""},
	{`table T { a: int = 12abc; }`, false, ""},
	{`table T { a: int = 0x; }`, false, ""},

	// Structs.
	{`struct S { a: int; b: byte; c: [int:3]; }`, true, ""},
	{`struct S { }`, false, ""},
	{`struct S { a: int = 3; }`, false, ""},
	{`struct S { a: string; }`, false, ""},
	{`struct S { a: [int]; }`, false, ""},
	{`struct S { a: [int:0]; }`, false, ""},
	{`struct S { a: [int:65535]; }`, true, ""},
	{`struct S { a: [int:65536]; }`, false, ""},
	{`struct S { a: [string:3]; }`, false, ""},
	{`struct S { a: S; }`, false, ""},
	{`struct A { b: B; } struct B { a: A; }`, false, ""},
	{`struct B { x: int; } struct A { b: B; c: [B:2]; }`, true, ""},
	{`struct A { b: B; } struct B { x: int; }`, true, "flatc wants the inner struct first"},
	{`struct S { a: T; } table T {}`, false, ""},
	{`enum E : short { A } struct S { e: E; f: [E:2]; }`, true, ""},
	{`enum E : short { A = 1 } struct S { e: E; }`, false, ""},
	{`struct S (force_align: 16) { a: int; }`, true, ""},
	{`struct S (force_align: 3) { a: int; }`, false, ""},
	{`struct S (force_align: 2) { a: int; }`, false, ""},
	{`struct S (force_align: 512) { a: int; }`, false, ""},
	{`struct S { a: int (required); }`, false, ""},

	// Unions.
	{`table A {} union U { A }`, true, ""},
	{`table A {} union U { A, B: A, s: string }`, true, ""},
	{`union U { }`, true, ""},
	{`union U { A }`, false, ""},
	{`table A {} union U { A, A }`, false, ""},
	{`table A {} union U { NONE: A }`, false, ""},
	{`table A {} union U { A = 3 }`, true, ""},
	{`table A {} union U { A = 256 }`, false, ""},
	{`table A {} table B {} union U { A = 3, B = 2 }`, true, ""},
	{`table A {} table B {} union U { A = 3, B = 3 }`, false, "flatc does not look"},
	{`union U { i: int }`, false, ""},
	{`table A {} union U { A } table T { u: U; }`, true, ""},
	{`table A {} union U { A } table T { u: [U]; }`, true, ""},
	{`table A {} union U { A } table T { u: U; u_type: int; }`, false, ""},
	{`table A {} union U { A } table T { u_type: int; u: U; }`, false, ""},
	{`table A {} union U { A } table T { u: U (id: 1); x: int (id: 2); }`, true, ""},
	{`table A {} union U { A } table T { u: U (id: 0); }`, false, ""},
	{`table A {} union U { A } table T { u: U (required); }`, true, ""},
	{`table A {} union U { A } table T { u: U = A; }`, false, ""},
	{`struct S { a: int; } union U { S }`, true, ""},

	// Namespaces.
	{`namespace a.b; table X {} namespace a.c; table Y { x: b.X; z: a.b.X; }`, true, ""},
	{`namespace a.b; table X {} namespace a.c; table Y { x: X; }`, false, ""},
	{`namespace a; table X {} namespace a.b.c; table Y { x: X; }`, true, ""},
	{`namespace; table T {}`, true, ""},
	{`namespace a; table X {} namespace ; table Y { x: a.X; }`, true, ""},
	{`namespace a.; table X {}`, false, ""},

	// The rest.
	{``, true, "flatc wants a declaration"},
	{`// nothing`, true, "flatc wants a declaration"},
	{`/* nothing */`, true, "flatc wants a declaration"},
	{`/* nothing`, false, ""},
	{"\ufefftable T {}", true, ""},
	{`table T {} root_type T;`, true, ""},
	{`root_type T; table T {}`, true, "flatc wants the table first"},
	{`root_type T;`, false, ""},
	{`struct S { a: int; } root_type S;`, false, ""},
	{`file_identifier "ABCD"; file_extension "x";`, true, ""},
	{`file_identifier "ABC";`, false, ""},
	{`table T {} include "x.fbs";`, false, ""},
	{`include "";`, false, ""},
	{`include "missing.fbs";`, false, ""},
	{`native_include "x.h"; table T {}`, true, ""},
	{`table T {} rpc_service R { A(T): T (streaming: "server"); B(T): T; }`, true, ""},
	{`tabel T {}`, false, ""},
	{`table T { a: int; /// late` + "\n" + `}`, false, ""},
	{`table T { /// early` + "\n" + ` a: int; }`, false, ""},
	{"table T {\n  /// fine\n  a: int;\n}", true, ""},
	{`{ "a": 1 }`, false, ""},
	{`table T { a: int (hash: "fnv1_32"); }`, true, ""},
	{`attribute "s"; table T { a: int (s: "a\n\x41\u00e9\ud83d\ude00\\\/"); }`, true, ""},
	{`attribute "s"; table T { a: int (s: "\q"); }`, false, ""},
	{`attribute "s"; table T { a: int (s: "a` + "\n" + `"); }`, false, ""},
	{`attribute "s"; table T { a: int (s: "\ud83d"); }`, false, ""},
	{`attribute "s"; table T { a: int (s: 'single'); }`, true, ""},
	{`attribute "s"; table T { a: int (s: "` + "\xff" + `"); }`, false, ""},
	{`table T { a: int; } $`, false, ""},
}

func TestVerdicts(t *testing.T) {
	for _, v := range verdicts {
		_, err := parseText(v.src)
		if ok := err == nil; ok != v.ok {
			t.Errorf("%s\n\taccepted is %v, want %v: %v", v.src, ok, v.ok, err)
		}
	}
}

func TestVerdictsAreThoseOfFlatc(t *testing.T) {
	flatc(t)
	dir := t.TempDir()
	for _, v := range verdicts {
		file := filepath.Join(dir, "a.fbs")
		if err := os.WriteFile(file, []byte(v.src), 0o666); err != nil {
			t.Fatal(err)
		}
		_, complaint := compileWithFlatc(t, file)
		if agrees := (complaint == "") == v.ok; agrees != (v.differ == "") {
			t.Errorf("%s\n\twe accept: %v; flatc says: %q; reason to differ: %q", v.src, v.ok, strings.TrimSpace(complaint), v.differ)
		}
	}
}
