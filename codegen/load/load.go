// Package load reads definitions of tables: Go structs marked //lightstream:table, .fbs files, and the schemas of Arrow files
// and streams.
//
//	struct field, tag, comment ─┐
//	.fbs field, attribute, doc ─┼─ model.Def ── model.Build ── *model.File, one for each source file
//	field of an Arrow schema   ─┘
//
// # Go structs
//
// A struct is a table if the comment above it has a line //lightstream:table, or //lightstream:table name; without a name
// the table's is that of the struct in snake case. Each exported field is a column. Its type says what the column is:
//
//	Go                                      Arrow
//	bool                                    bool
//	int8 … int64, uint8 … uint64            the integer of that width
//	float32, float64                        float32, float64
//	rt.Float16                              float16
//	string                                  utf8
//	[]byte                                  binary, nil being null
//	[16]byte, of any length                 fixed_size_binary[16]
//	time.Time                               timestamp[ns, UTC]
//	time.Duration                           duration[ns]
//	rt.Date, rt.DateMillis                  date32, date64
//	rt.Decimal32 … rt.Decimal256            the decimal of that width, with the tag decimal
//	struct{}                                null
//	an interface with //lightstream:union   dense union, of the types that the line names; nil is the member null
//	a struct                                struct, of its fields
//	[]T                                     list, nil being null
//	[4]T, of any length                     list of that length
//	map[K]V                                 map, nil being null
//	*T, rt.Null[T] of all but slices, maps  the same, nullable
//	and struct{}
//	a type declared as one of these         the same (rt.Null only of numbers and arrays)
//
// The tag says the rest, as arrow:"name,option,…". Without a name it is that of the field in snake case; "-" is for fields
// that are no columns.
//
//	option              of              meaning
//	dict                string, []byte, dictionary<int32, …>, of an integer with a name of its own
//	                    integers        the names: T has String, and ParseT is beside it
//	dict(int8)          the same        with indices of that type, any integer
//	large, view         string, []byte, 64-bit offsets, or views
//	                    lists
//	item(…)             lists, arrays   what the option in it says of the items
//	key(…), value(…)    maps            the same of keys and values
//	timestamp(us,UTC)   time.Time       unit s, ms, us or ns, and zone
//	timestamp(us)       time.Time       no zone: the column holds the wall clock, the field has it in UTC
//	timestamp(…)        int64           the same, held as the number that it is
//	date32, date64      time.Time       the day
//	time32(ms)          time.Duration   the time of day: s or ms, time64: us or ns
//	duration(us)        time.Duration   unit s, ms, us or ns
//	decimal(38,10)      decimals        how many digits, and how many of them after the point
//	uuid                [16]byte        the extension type arrow.uuid
//	ree, ree(int16)     all flat types  run-end encoded, with run ends of int32 or of that type
//	sparse              unions          a sparse union, in the place of a dense one
//	naive=UTC           time.Time       take a stream's timestamps without a zone as UTC
//	required            slices, maps    never null
//	default=0           all flat types  the value of each row where a stream has no such column
//	                    and []byte
//	was=old             all             an older name of the column
//	go=Name             all             the name of the column's accessors
//
// # Messages and protocols
//
// A message is a type with a line //lightstream:message in its comment. A struct is sent as a flatbuffer: its exported fields are
// bool, integers, float32, float64, string, []byte, pointers to and rt.Null of these, and types declared as these; the tag
// gives a field's name, default=… and, for []byte, required. With //lightstream:message codec=name any type is sent as what the
// variable of that name, an rt.MessageCodec, makes of it.
//
// A line
//
//	//lightstream:protocol Feed = Trade | Quote | Heartbeat
//
// in any comment names the tables and messages of the package that go over one connection, in the order of their tags.
//
// # Schemas
//
// The tables of a .fbs file are all tables in it (not those of included files), but for those that are the type of a
// field and not the root_type. Included files may be anywhere that Options name; lightstream.fbs, which declares the attributes,
// is always found.
//
//	.fbs                                    Arrow
//	bool, byte … ulong, float, double       the type of that width, not nullable
//	with the default null                   the same, nullable
//	an enum                                 its integer, as a Go type of its name; with (dict) a dictionary of its names
//	string                                  utf8, nullable unless (required)
//	[ubyte]                                 binary, nullable unless (required)
//	a table without fields                  null
//	long (timestamp: "us,UTC")              timestamp, as in a tag
//	int or long (date)                      date32 or date64
//	int or long (time: "ms")                time32 or time64
//	long (duration: "us")                   duration
//	int, long, string (decimal: "9,2")      decimal32, decimal64, and decimal128 or, beyond 38 digits, decimal256; a struct of
//	                                        16 or 32 bytes is one of that width
//	[ubyte] (fixed: 16), (uuid)             fixed_size_binary[16], as in a tag
//	(large), (view), (ree: "int16")         as in a tag
//	long (timestamp: "us,UTC", raw)         timestamp, held as the number that it is
//	ushort (float16)                        float16
//	a table or struct                       struct, as a Go struct of its name; nullable unless (required)
//	[T]                                     list, nullable unless (required); of items that are not null
//	[T] (item: "dict,nullable")             what item(…) says in a tag, and that items may be null
//	[T] (fixed: 4), [T:4] in a struct       list of that length
//	[T], T being a table (list)             list of what the one field of T is, a vector
//	a union                                 dense union, of Go types of its members' names; nil is a member unless (required)
//	a union (sparse)                        sparse union
//	[T] (map)                               map, T being a table of a key and a value
//	string (dict: "int16")                  dictionary, as in a tag
//	= value                                 default, as in a tag
//	(arrow_name: "n")                       the name of the column or table
//	(go_name: "N")                          the name of the field or struct in Go
//	(was: "old"), (naive: "UTC")            as in a tag
//	(deprecated)                            no column
//
// A table with (message) is a message, and one with (message: "name") a message with a codec, whose Go type is the user's. A union
// that is no field's type is a protocol of the tables and messages that it names.
//
// # Arrow files
//
// A .arrow or .arrows file, with or without batches, is one table: that of its schema. Its fields are those that a .fbs file
// gives for the same columns. Names that are none in Go get one, as they do in .fbs files. Metadata says nothing, but for the
// extension type arrow.uuid; a column of any other extension type is what its values are stored as.
//
// Of what tables have no type for, a column is the nearest that its readers convert it to, and a comment says so: a large list view is
// a list view, a dictionary of text or bytes in another layout one of utf8 or binary, and a dictionary of other values is those values.
// The order of a dictionary and that of a map's keys are not said. Columns with no name, or one that another has, intervals, structs
// and unions without fields, and dictionaries of bools, nulls and nested values are refused.
//
// # Errors
//
// What cannot be expressed is reported as [model.Errors], all at once, each with its place, what was found and what would
// be right.
package load

import (
	"path"
	"strings"
)

// Generated tells whether a file of this name is one that the generator writes, which a front end does not read.
func Generated(name string) bool {
	return strings.HasSuffix(name, "_lightstream.go") || strings.HasSuffix(name, "_lightstream_test.go")
}

// output returns the name of the file that is generated from a Go file: trade_lightstream.go from trade.go, and
// trade_lightstream_test.go from trade_test.go, which is compiled when that is.
func output(name string) string {
	base, test := strings.CutSuffix(strings.TrimSuffix(name, ".go"), "_test")
	if test {
		return base + "_lightstream_test.go"
	}
	return base + "_lightstream.go"
}

// outputs returns the names of the files that are generated from a schema: trades_lightstream.go and trades_rows.go.
func outputs(name string) (tables, rows string) {
	base := strings.TrimSuffix(path.Base(name), path.Ext(name))
	base = strings.TrimSuffix(base, "_test") // which would make them files of a test
	return base + "_lightstream.go", base + "_rows.go"
}
