package evolve_test

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/lightstream-go/lightstream/codegen/evolve"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// fields draws a field of any type, nested ones too.
func drawField(t *rapid.T, depth int) ipc.Field {
	text := types[rapid.IntRange(0, len(types)-1).Draw(t, "type")]
	f, err := evolve.ParseField("x: " + text)
	if err != nil {
		t.Fatal(err)
	}
	if zone := rapid.SampledFrom([]string{"", "UTC", "+01:00", "a, b]", `"`}).Draw(t, "zone"); f.Type.Kind == ipc.KindTimestamp {
		f.Type.Zone = zone
	}
	if depth < 3 && rapid.IntRange(0, 2).Draw(t, "nested") == 0 {
		children := 1
		f = ipc.Field{Type: ipc.Type{Kind: rapid.SampledFrom([]ipc.Kind{
			ipc.KindList, ipc.KindLargeList, ipc.KindListView, ipc.KindLargeListView, ipc.KindFixedSizeList, ipc.KindMap,
			ipc.KindStruct, ipc.KindUnion, ipc.KindRunEndEncoded,
		}).Draw(t, "kind")}}
		switch f.Type.Kind {
		case ipc.KindFixedSizeList:
			f.Type.Width = rapid.IntRange(0, 9).Draw(t, "width")
		case ipc.KindMap:
			f.Type.Variant = rapid.IntRange(0, 1).Draw(t, "sorted")
		case ipc.KindRunEndEncoded:
			children = 2
		case ipc.KindStruct:
			children = rapid.IntRange(0, 3).Draw(t, "children")
		case ipc.KindUnion:
			children = rapid.IntRange(0, 3).Draw(t, "children")
			f.Type.Variant = rapid.IntRange(0, 1).Draw(t, "dense")
			for i := range children {
				f.Type.TypeIDs = append(f.Type.TypeIDs, int32(7*i))
			}
		}
		for i := range children {
			child := drawField(t, depth+1)
			child.Name += fmt.Sprint(i) // as in definitions, no two have one name
			f.Children = append(f.Children, child)
		}
	}
	if f.Dictionary != nil {
		f.Dictionary.Ordered = rapid.Bool().Draw(t, "ordered")
	}
	f.Name = drawName(t)
	f.Nullable = rapid.Bool().Draw(t, "nullable")
	return f
}

func drawName(t *rapid.T) string {
	return rapid.OneOf(rapid.StringMatching(`[a-z_]{1,8}`), rapid.String()).Draw(t, "name")
}

func there(f *ipc.Field, path []string) bool {
	for _, name := range path {
		i := slices.IndexFunc(f.Children, func(f ipc.Field) bool { return f.Name == name })
		if i < 0 {
			return false
		}
		f = &f.Children[i]
	}
	return true
}

func drawLock(t *rapid.T) *evolve.Lock {
	lock := &evolve.Lock{}
	for i := range rapid.IntRange(0, 3).Draw(t, "files") {
		var tables []evolve.Table
		for k := range rapid.IntRange(1, 3).Draw(t, "tables") {
			table := evolve.Table{Row: fmt.Sprintf("Row%d", k), Name: drawName(t)}
			names := map[string]bool{}
			for range rapid.IntRange(0, 4).Draw(t, "columns") {
				c := evolve.Column{Field: drawField(t, 0)}
				if names[c.Name] {
					continue
				}
				names[c.Name] = true
				c.Was = drawName(t)
				c.NaiveUTC = rapid.Bool().Draw(t, "naive")
				if c.HasDefault = rapid.Bool().Draw(t, "default"); c.HasDefault {
					c.Default = rapid.String().Draw(t, "value")
				}
				c.Names = rapid.Bool().Draw(t, "names")
				for i := range rapid.IntRange(0, 2).Draw(t, "values") {
					c.Values = append(c.Values, evolve.Value{Name: drawName(t) + fmt.Sprint(i), Number: "-7"})
				}
				drawInline := func(f *ipc.Field, to *evolve.Inline) {
					if f.Type.Kind == ipc.KindStruct && rapid.Bool().Draw(t, "inline") {
						*to = evolve.Inline{Size: rapid.IntRange(1, 65535).Draw(t, "size"), Align: 8}
					}
				}
				drawInline(&c.Field, &c.Inline)
				seen := map[string]bool{}
				for range rapid.IntRange(0, 2).Draw(t, "below") {
					b := evolve.Below{Names: rapid.Bool().Draw(t, "names")}
					at := &c.Field
					for len(at.Children) != 0 && (b.Path == nil || rapid.Bool().Draw(t, "deeper")) {
						at = &at.Children[rapid.IntRange(0, len(at.Children)-1).Draw(t, "child")]
						b.Path = append(b.Path, at.Name)
					}
					if key := fmt.Sprintf("%q", b.Path); b.Path != nil && !seen[key] && there(&c.Field, b.Path) {
						seen[key] = true
						b.Values = []evolve.Value{{Name: drawName(t), Number: "1"}}
						drawInline(at, &b.Inline)
						if b.HasSlot = rapid.Bool().Draw(t, "slot"); b.HasSlot {
							b.Slot = rapid.IntRange(0, 9).Draw(t, "number")
							if b.HasDefault = rapid.Bool().Draw(t, "default below"); b.HasDefault {
								b.Default = drawName(t)
							}
						}
						c.Below = append(c.Below, b)
					}
				}
				table.Columns = append(table.Columns, c)
			}
			tables = append(tables, table)
		}
		f := evolve.File{Name: fmt.Sprintf("f%d_lightstream.go", i), Tables: tables}
		for k := range rapid.IntRange(0, 2).Draw(t, "messages") {
			m := evolve.Message{Type: fmt.Sprintf("Message%d", k), Name: drawName(t), Opaque: rapid.Bool().Draw(t, "opaque")}
			for i := range rapid.IntRange(0, 3).Draw(t, "fields") {
				if m.Opaque {
					break
				}
				field := evolve.Slot{Number: 2*i + k}
				field.Field = ipc.Field{Name: drawName(t) + fmt.Sprint(i), Type: ipc.Int32, Nullable: rapid.Bool().Draw(t, "nullable")}
				m.Fields = append(m.Fields, field)
			}
			f.Messages = append(f.Messages, m)
		}
		for k := range rapid.IntRange(0, 2).Draw(t, "protocols") {
			p := evolve.Protocol{Name: fmt.Sprintf("Protocol%d", k)}
			for i := range rapid.IntRange(0, 3).Draw(t, "members") {
				p.Members = append(p.Members, evolve.Member{Name: drawName(t) + fmt.Sprint(i), Message: rapid.Bool().Draw(t, "message")})
			}
			f.Protocols = append(f.Protocols, p)
		}
		lock.Put(f)
	}
	return lock
}

// A lock is read back as it was written.
func TestLock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lock := drawLock(t)
		text := lock.Text()
		got, err := evolve.ParseLock(text)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if !reflect.DeepEqual(got, lock) {
			t.Fatalf("%#v is read as %#v from:\n%s", lock, got, text)
		}
		if changes := evolve.CompareLocks(lock, got); len(changes) > 0 {
			t.Fatalf("%v from:\n%s", changes, text)
		}
	})
}

const head = "lightstream.schema.lock v1\n"

func TestLockErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                                      "line 1: the file is empty; generate it anew",
		"package feed":                          `line 1: found "package feed", want "lightstream.schema.lock v1"; restore the file from version control, or delete it and generate it anew with this version of lightstream-gen`,
		"lightstream.schema.lock v2: newer":     `line 1: found "lightstream.schema.lock v2", want "lightstream.schema.lock v1"; restore the file from version control, or delete it and generate it anew with this version of lightstream-gen`,
		head + "<<<<<<< HEAD":                   "line 2: a conflict of a merge; resolve it, or delete the file and generate it anew",
		head + "\ta: int8":                      "line 2: a column before the first table",
		head + "file a\n\ta: int8":              "line 3: a column before the first table",
		head + "table T t":                      `line 2: found "table T t", want a file, a table, a message, a protocol, or a column after a tab`,
		head + "file a\nmessage M m\n\ta: int8": `line 4: found the end, want "; slot "`,
		head + "file a\nmessage M m\n\ta: int8; inline 8 align 8; slot 0":              "line 4: a is no struct, which alone lies in place",
		head + "file a\nmessage M m\n\ta: struct<x: int8>; inline 0 align 8; slot 0":   "line 4: 0 bytes in place at multiples of 8, want at least 1 of each",
		head + "file a\nmessage M m\n\ta: struct<x: int8>; inline 8; slot 0":           `line 4: found "; slot 0", want " align "`,
		head + "file a\nmessage M m\n\ta: int8; slot x":                                "line 4: slot x is no number below 32768",
		head + "file a\nmessage M m\n\ta: int8; slot 1\n\tb: int8; slot 1":             "line 5: slot 1 after slot 1, want each once and in order",
		head + "file a\nopaque M m\n\ta: int8":                                         "line 4: a field of an opaque message",
		head + "file a\nmessage M m\nopaque M n":                                       "line 4: opaque M is there twice",
		head + "file a\nprotocol P\n\tfoo":                                             `line 4: found "foo", want a table or a message`,
		head + "file a\nprotocol P\n\ttable a\n\tmessage a":                            "line 5: message a is there twice",
		head + "file a\nprotocol P\nprotocol P":                                        "line 4: protocol P is there twice",
		head + "file a\nprotocol P p":                                                  `line 3: found " p", want the end of the line`,
		head + "file b\nfile a":                                                        "line 3: file a after b, want each once and in order",
		head + "file a b":                                                              `line 2: found " b", want the end of the line`,
		head + "file a\ntable T":                                                       `line 3: found the end, want " "`,
		head + "file a\ntable T t\ntable T t":                                          "line 4: table T is there twice",
		head + "file a\ntable T t\n\ta":                                                `line 4: found the end, want ": "`,
		head + "file a\ntable T t\n\ta: int7":                                          `line 4: found "int7", want a type`,
		head + "file a\ntable T t\n\ta: int8\n\ta: int8":                               "line 5: column a is there twice",
		head + "file a\ntable T t\n\ta: int8 nullable":                                 `line 4: found " nullable", want the end of the line`,
		head + "file a\ntable T t\n\ta: int8; values A x":                              "line 4: value x of A is no number",
		head + "file a\ntable T t\n\ta: list<b: int8>; in c; names":                    "line 4: column a has no column c below it",
		head + "file a\ntable T t\n\ta: list<b: int8>; in b > c; names":                "line 4: column a has no column b.c below it",
		head + "file a\ntable T t\n\ta: list<b: int8>; in b; names; in b; names":       "line 4: b of column a is there twice",
		head + "file a\ntable T t\n\ta: list<b: int8>; in b; names; in b":              "line 4: b of column a is there twice",
		head + "file a\ntable T t\n\ta: list<b: int8>; in ":                            `line 4: found the end, want a name, in quotes if it has more than letters, digits, and . _ / + -`,
		head + "file a\ntable T t\n\ta: timestamp[m]":                                  `line 4: found "m]", want s, ms, us or ns`,
		head + "file a\ntable T t\n\ta: decimal64(99999999999, 2)":                     `line 4: found "99999999999, 2)", want a number of 32 bits`,
		head + "file a\ntable T t\n\ta: list<x: int8, y: int8>":                        "line 4: list has 2 children, want 1",
		head + "file a\ntable T t\n\ta: dictionary<utf8, utf8>":                        `line 4: found "utf8, utf8>", want an integer type for indices`,
		head + "file a\ntable T t\n\ta: " + strings.Repeat("struct<a: ", 100) + "int8": "line 4: more than 64 levels of nesting",
	} {
		lock, err := evolve.ParseLock([]byte(text))
		var at *evolve.LockError
		if !errors.As(err, &at) || err.Error() != want || lock != nil {
			t.Errorf("%q gives %v, want %s", text, err, want)
		}
	}
}

// Whatever a lock says, it is an error or written as it can be read again.
func FuzzLock(f *testing.F) {
	for i := range 20 {
		f.Add(rapid.Custom(drawLock).Example(i).Text())
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		lock, err := evolve.ParseLock(text)
		if err != nil {
			return
		}
		written := lock.Text()
		again, err := evolve.ParseLock(written)
		if err != nil {
			t.Fatalf("%v in:\n%s", err, written)
		}
		if rewritten := again.Text(); !bytes.Equal(written, rewritten) {
			t.Fatalf("written as\n%s\nthen as\n%s", written, rewritten)
		}
		evolve.CompareLocks(lock, &evolve.Lock{})
		evolve.CompareLocks(&evolve.Lock{}, lock)
	})
}
