package peers

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/internal/feed"
	"github.com/lightstream-go/lightstream/interop/peers/internal/tables"
	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// kase is what is sent, by whom, and what has to arrive. Each is run over every medium.
type kase struct {
	name, about string
	table       table
	toPeer      bool
	batches     []batch // as the writer has them
	want        []batch // as the reader does

	how  writing // of this side
	talk *talk   // of the Lightstream protocol, instead of batches

	from    string  // a file with a stream that the peer is to read and write again; it says what it holds
	schema  []field // that the peer is to write, or has to write of from
	options options
	read    rt.ReaderOptions
	refusal string                 // the error that this side has to give
	check   func(s rt.Stats) error // of what the reader has counted
}

var (
	allTable   = of(tables.AllTable)
	tradeTable = of(feed.TradeTable)
	textTable  = of(tables.TextTable)
	wordTable  = of(tables.WordTable)
	wideTable  = of(tables.WideTable)
	strict     = of(tables.StrictTable)
)

var (
	inf      = math.Inf(1)
	negative = func(v float64) float64 { return math.Copysign(v, -1) }
)

// source says where the cells of a column come from, what is sent of them, and what has to arrive. The zero value is for a
// column whose edges are sent and arrive as they are.
type source struct {
	typ    string          // that the peer is to write, if not the table's
	name   string          // of the stream's column, if not the table's
	absent bool            // the stream has no such column
	values []cell          // instead of the edges of the table's type
	nulls  nulls           // whether there are any
	sent   func(cell) cell // of a value
	want   func(cell) cell // of a value
	zero   cell            // what arrives for a null, or for an absent column
}

type nulls int

const (
	asTable nulls = iota // in about one of five rows where the table's column is nullable
	always               // in all rows where it is nullable
	never
	anyways // in about one of five rows
)

// data returns batches of the given sizes, as they are sent and as they have to arrive, and the schema of what is sent.
func data(name string, t table, sizes []int, from func(f *ipc.Field) source) (schema []field, sent, want []batch) {
	h := fnv.New64a()
	h.Write([]byte(name))
	rng := rand.New(rand.NewPCG(h.Sum64(), 1))
	for range sizes {
		sent, want = append(sent, batch{}), append(want, batch{})
	}
	for i := range t.Schema().Fields {
		f := t.Schema().Fields[i]
		s := source{}
		if from != nil {
			s = from(&f)
		}
		out := field{f.Name, f.TypeString(), f.Nullable || s.nulls == anyways}
		if s.typ != "" {
			out.Type = s.typ
		}
		if s.name != "" {
			out.Name = s.name
		}
		for k, rows := range sizes {
			cells := s.fill(f, rows, rng)
			sent[k].Rows, want[k].Rows = rows, rows
			if !s.absent {
				sent[k].Columns = append(sent[k].Columns, converted(cells, s.sent))
			}
			arrives := slices.Clone(converted(cells, s.want))
			for row := range arrives {
				if s.absent || arrives[row] == nil {
					arrives[row] = s.zero
				}
			}
			want[k].Columns = append(want[k].Columns, arrives)
		}
		if !s.absent {
			schema = append(schema, out)
		}
	}
	return schema, sent, want
}

func (s *source) fill(f ipc.Field, rows int, rng *rand.Rand) []cell {
	values := s.values
	if values == nil {
		values = edges(f.Type)
	}
	at := rng.IntN(len(values))
	cells := make([]cell, rows)
	for i := range cells {
		null := false
		switch s.nulls {
		case asTable:
			null = f.Nullable && rng.IntN(5) == 0
		case always:
			null = f.Nullable
		case anyways:
			null = rng.IntN(5) == 0
		}
		if !null {
			cells[i] = values[at%len(values)]
			at++
		}
	}
	return cells
}

// several are batches of an odd number of rows, one of a single row among them.
var several = []int{43, 1, 21}

// written is a case in which this side writes.
func written(name, about string, t table, sizes []int, how writing, from func(f *ipc.Field) source) *kase {
	k := &kase{name: name, about: about, table: t, toPeer: true, how: how}
	_, k.batches, k.want = data(name, t, sizes, from)
	return k
}

// writtenCases are those in which this side writes. They are the same for all peers.
func writtenCases() []*kase {
	plain := writing{}
	return []*kase{
		written("every type", "every column type, nullable and not, with edge values, in three batches", allTable, several, plain, nil),
		written("no nulls", "the same without a null", allTable, []int{19}, plain, with(source{nulls: never})),
		written("all null", "every nullable column is null throughout; some dictionaries have no value", allTable, []int{9}, plain, with(source{nulls: always})),
		written("empty batches", "batches without rows before, between and after others", allTable, []int{0, 5, 0, 3, 0}, plain, nil),
		written("only an empty batch", "one batch without rows", allTable, []int{0}, plain, nil),
		written("zero batches", "a schema and nothing else", allTable, nil, plain, nil),
		written("dictionaries that grow", "each batch of one builder brings new values", wordTable, []int{40, 40, 7, 40}, plain, grown()),
		written("dictionaries that grow, deltas", "the same with DeltaDictionaries", wordTable, []int{40, 40, 7, 40}, writing{mode: ipc.DeltaDictionaries}, grown()),
		written("dictionaries sent once", "OnceDictionaries: they have all values before the first batch is written", wordTable, []int{40, 40, 7, 40}, writing{mode: ipc.OnceDictionaries, prefilled: true}, grown()),
		written("dictionaries that are replaced", "each batch has a builder of its own", wordTable, []int{40, 40, 7, 40}, writing{newBuilders: true}, grown()),
		written("full dictionary", "128 values behind an int8", textTable, []int{300}, plain, full),
		written("row by row", "Append, in batches of 100 rows", tradeTable, []int{100, 100, 50}, writing{rows: 100}, nil),
		written("large batches", "30,000 rows in a batch: gathered writes of about 1 MiB", tradeTable, []int{30_000, 1, 30_000}, plain, nil),
		written("metadata", "metadata of the schema", tradeTable, []int{3}, writing{metadata: []ipc.KeyValue{
			{Key: "origin", Value: "línea\nzwei"}, {Key: "empty", Value: ""},
		}}, nil),
	}
}

func with(s source) func(*ipc.Field) source { return func(*ipc.Field) source { return s } }

// grown gives each batch values that those before did not have.
func grown() func(f *ipc.Field) source {
	return func(f *ipc.Field) source {
		if !f.Type.IsText() {
			return source{}
		}
		return source{values: labels(f.Name, 200)}
	}
}

// labels returns n different strings.
func labels(prefix string, n int) (cells []cell) {
	for i := range n {
		cells = append(cells, fmt.Sprintf("%s-%d %s", prefix, i, texts[i%len(texts)]))
	}
	return cells
}

func full(f *ipc.Field) source {
	if !f.Type.IsText() {
		return source{}
	}
	return source{values: labels(f.Name, 128)}
}

// readCase is a case in which the peer writes and this side reads.
func readCase(name, about string, t table, sizes []int, from func(f *ipc.Field) source, opts options) *kase {
	k := &kase{name: name, about: about, table: t, options: opts}
	k.schema, k.batches, k.want = data(name, t, sizes, from)
	return k
}

// all makes columns nullable, as most producers declare them.
func allNullable(k *kase) *kase {
	for i := range k.schema {
		k.schema[i].Nullable = true
	}
	return k
}

func (k *kase) with(change func(k *kase)) *kase {
	change(k)
	return k
}

// extra adds columns that no table has, among them nested ones, and turns the order round.
func extra(k *kase) {
	add := func(name, typ string, value func(i int) cell) {
		k.schema = append(k.schema, field{name, typ, true})
		for b := range k.batches {
			cells := make([]cell, k.batches[b].Rows)
			for i := range cells {
				cells[i] = value(i)
			}
			k.batches[b].Columns = append(k.batches[b].Columns, cells)
		}
	}
	add("extra", "int64", func(i int) cell { return intCell(int64(i)) })
	add("nested", "list<item: int32>", func(i int) cell { return []cell{intCell(int64(i)), nil} })
	add("nothing", "null", func(int) cell { return nil })
	slices.Reverse(k.schema)
	for b := range k.batches {
		slices.Reverse(k.batches[b].Columns)
	}
}

// counted is a check of what the reader has counted.
func counted(what string, of func(s rt.Stats) int64) func(rt.Stats) error {
	return func(s rt.Stats) error {
		if of(s) == 0 {
			return fmt.Errorf("%s: none in %+v", what, s)
		}
		return nil
	}
}

// forms are the types of text, and those of bytes beside them.
var forms = [...][2]string{{"utf8", "binary"}, {"large_utf8", "large_binary"}, {"utf8_view", "binary_view"}}

// inForm makes text columns of the given type, and binary ones of the form beside it.
func inForm(text, bytes string) func(f *ipc.Field) source {
	return func(f *ipc.Field) source {
		if f.Type.IsText() {
			return source{typ: text}
		}
		return source{typ: bytes}
	}
}

// wide sends types that widen to those of the table. Half is the type from which the column half comes.
func wide(half, fixed string) func(f *ipc.Field) source {
	micro := cellsOf(0, 1, -1, 1_710_000_000_123_456, -1_710_000_000_123_456)
	return func(f *ipc.Field) source {
		switch f.Name {
		case "int16":
			return source{typ: "int8", values: edges(ipc.Int8)}
		case "int32":
			return source{typ: "uint16", values: edges(ipc.Uint16)}
		case "int64":
			return source{typ: "uint32", values: edges(ipc.Uint32)}
		case "uint16":
			return source{typ: "uint8", values: edges(ipc.Uint8)}
		case "uint32":
			return source{typ: "uint16", values: edges(ipc.Uint16)}
		case "uint64":
			return source{typ: "uint32", values: edges(ipc.Uint32)}
		case "float32":
			if half == "float16" {
				return source{typ: half, values: edges(ipc.Float16), want: halfWidened(32)}
			}
		case "float64":
			return source{typ: "float32", values: edges(ipc.Float32), want: widened}
		case "half":
			if half == "float16" {
				return source{typ: half, values: edges(ipc.Float16), want: halfWidened(64)}
			}
			return source{typ: half, values: edges(ipc.Float32), want: widened}
		case "finer":
			return source{typ: "timestamp[us, Asia/Tokyo]", values: micro, want: times(1000)}
		case "coarser":
			return source{typ: "timestamp[ns, UTC]", values: edges(ipc.Timestamp(column.Millisecond, ""))[:3], sent: times(1_000_000)}
		case "naive":
			return source{typ: "timestamp[us]"}
		case "wall":
			return source{typ: "timestamp[ms]", values: cellsOf(0, 1, -1, 1_710_000_000_123), want: times(1_000_000)}
		case "fixed":
			if fixed != "" {
				return source{typ: fixed, values: []cell{"00010203", "ffffffff", "61626364"}}
			}
		case "absent":
			return source{absent: true}
		case "default":
			return source{absent: true, zero: intCell(-7)}
		case "renamed":
			return source{name: "former"}
		case "null_word":
			return source{typ: "utf8"}
		}
		return source{}
	}
}

// refused makes the case one that this side has to refuse.
func (k *kase) refused(message string) *kase {
	k.refusal = message
	return k
}

// strictly sends a null, or a time without a zone, to a table that takes neither.
func strictly(id nulls, time string) func(f *ipc.Field) source {
	return func(f *ipc.Field) source {
		if f.Name == "id" {
			return source{nulls: id, zero: intCell(0)}
		}
		return source{typ: time}
	}
}

// flights are 50,000 real rows in 10 batches, as pyarrow wrote them.
const flights = "../../examples/flights/data/flights-50k.arrows"

// flightsCase lets the peer read the flights, tell what they are, and write them anew.
func flightsCase(name, about, dictionary string, opts options) *kase {
	k := &kase{name: name, about: about, table: of(tables.FlightTable), from: flights, options: opts}
	for _, f := range k.table.Schema().Fields {
		out := field{f.Name, f.TypeString(), true}
		if f.Dictionary != nil {
			out.Type = dictionary
		}
		k.schema = append(k.schema, out)
	}
	return k
}

func pyarrowCases() []*kase {
	plain := options{}
	cases := []*kase{
		readCase("every type", "every column type, nullable as the table has it, in three batches", allTable, several, nil, plain),
		allNullable(readCase("every column nullable", "the same as pyarrow declares it by default; buffers at multiples of 8 are realigned", allTable, several, nil, plain)).with(func(k *kase) {
			k.check = counted("buffers realigned", func(s rt.Stats) int64 { return s.Realigned })
		}),
		readCase("all null", "every nullable column is null throughout", allTable, []int{9}, with(source{nulls: always}), plain),
		readCase("empty batches", "batches without rows before, between and after others", allTable, []int{0, 5, 0, 3, 0}, nil, plain),
		readCase("only an empty batch", "one batch without rows", allTable, []int{0}, nil, plain),
		readCase("zero batches", "a schema and nothing else", allTable, nil, nil, plain),
		readCase("sliced", "slices from row 5: pyarrow shifts their bitmaps and offsets", allTable, several, nil, options{Slice: &[2]int{5, 7}}),
		readCase("sliced by bytes", "slices from row 64: pyarrow sends their bitmaps as they are", allTable, several, nil, options{Slice: &[2]int{64, 3}}),
		readCase("large batches", "30,000 rows in a batch", tradeTable, []int{30_000, 1, 30_000}, nil, plain),
		readCase("legacy format", "metadata V4, messages without the continuation marker", allTable, several, nil, options{Legacy: true}),
		readCase("dictionaries that grow, replaced", "each batch brings a longer dictionary", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "grow"}),
		readCase("dictionaries that grow, deltas", "emit_dictionary_deltas", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "grow", Deltas: true}).with(func(k *kase) {
			k.check = counted("deltas", func(s rt.Stats) int64 { return s.Deltas })
		}),
		readCase("dictionaries that are replaced", "each batch brings another dictionary", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "replace"}),
		readCase("dictionaries that are unified", "unify_dictionaries, of batches that each have another", wordTable, []int{40, 40, 7, 40}, grown(), options{Dictionaries: "replace", Unify: true}),
		readCase("nulls in dictionaries", "null rows point at a null among the values", textTable, several, inForm("dictionary<int16, utf8>", "binary"), options{NullValues: true}),
		readCase("other columns", "the columns in another order, with others between them, a list among them", allTable, several, nil, plain).with(extra),
		readCase("missing columns", "nullable columns and those with a default are absent", allTable, several, missing, plain),
		readCase("types that widen", "narrower integers and floats, other units and zones, fixed-size binary, an older name", wideTable, several, wide("float16", "fixed_size_binary[4]"), plain),
		readCase("zeros for nulls", "nulls in a column that is not nullable, read with ZeroNulls", strict, several, strictly(anyways, ""), plain).with(func(k *kase) {
			k.read.Nulls = rt.ZeroNulls
		}),
		readCase("null where none may be", "nulls in a column that is not nullable", strict, several, strictly(anyways, ""), plain).
			refused(`column "id" is null in row`),
		readCase("time without a zone", "for a column of instants", strict, several, strictly(asTable, "timestamp[us]"), plain).
			refused("add timestamp(us) or naive=UTC"),
		flightsCase("flights", "50,000 real flights that pyarrow has read from a file", "dictionary<int32, utf8>", plain),
		readCase("ZSTD", "compressed bodies", tradeTable, []int{500}, nil, options{Compression: "zstd"}),
		readCase("LZ4", "compressed bodies", tradeTable, []int{500}, nil, options{Compression: "lz4"}),
	}
	for _, f := range forms {
		cases = append(cases, readCase(f[0]+" and "+f[1], "read into text, bytes and dictionaries", textTable, several, inForm(f[0], f[1]), plain))
	}
	cases = append(cases,
		readCase("large_utf8, sliced", "the same of slices from row 5", textTable, several, inForm("large_utf8", "large_binary"), options{Slice: &[2]int{5, 7}}),
		readCase("utf8_view, sliced", "the same of slices from row 5", textTable, several, inForm("utf8_view", "binary_view"), options{Slice: &[2]int{5, 7}}))
	for _, f := range forms {
		for _, index := range []string{"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"} {
			typ := fmt.Sprintf("dictionary<%s, %s>", index, f[0])
			cases = append(cases, readCase(typ, "read into text and into dictionaries of int8, int16 and int32", textTable, several, inForm(typ, f[1]), plain))
		}
	}
	return cases
}

// missing leaves out every third nullable column, and those with a default.
func missing(f *ipc.Field) source {
	switch {
	case f.Name == "type":
		return source{absent: true, zero: "none"}
	case f.Name == "the rank":
		return source{absent: true, zero: intCell(-1)}
	case f.Nullable && len(f.Name)%3 == 0:
		return source{absent: true}
	}
	return source{}
}

// asPolars sends what polars has for the types of a table.
func asPolars(dictionary string, s source) func(f *ipc.Field) source {
	return func(f *ipc.Field) source {
		s := s
		if f.Dictionary != nil {
			s.typ = dictionary
		}
		if f.Type.Unit == column.Second {
			s.typ = strings.Replace(f.Type.String(), "[s", "[ms", 1)
			s.sent = times(1000)
		}
		return s
	}
}

func polarsCases() []*kase {
	newest, oldest := options{}, options{Oldest: true}
	categorical := asPolars("categorical", source{})
	return []*kase{
		readCase("every type", "every column type, dictionaries as Categorical, text as views", allTable, several, categorical, newest),
		readCase("every type, oldest", "the oldest CompatLevel: large_utf8, large_binary", allTable, several, categorical, oldest),
		readCase("enums", "dictionaries as Enum", allTable, several, asPolars("enum", source{}), newest),
		readCase("enums, oldest", "the same at the oldest CompatLevel", allTable, several, asPolars("enum", source{}), oldest),
		readCase("no nulls", "a frame without a null", allTable, []int{19}, asPolars("categorical", source{nulls: never}), newest),
		readCase("all null", "every nullable column is null throughout", allTable, []int{9}, asPolars("categorical", source{nulls: always}), newest),
		readCase("zero rows", "a frame without rows", allTable, []int{0}, categorical, newest),
		readCase("sliced", "a slice of a frame, from row 5", allTable, several, categorical, options{Slice: &[2]int{5, 7}}),
		readCase("sliced, oldest", "the same at the oldest CompatLevel", allTable, several, categorical, options{Slice: &[2]int{5, 7}, Oldest: true}),
		readCase("large frame", "60,000 rows", tradeTable, []int{30_000, 30_000}, categorical, newest),
		readCase("text into dictionaries", "String columns read into dictionaries", textTable, several, inForm("utf8", "binary"), newest),
		readCase("categoricals into text", "Categorical columns read into text", textTable, several, inForm("categorical", "binary"), newest),
		readCase("categoricals into text, oldest", "the same at the oldest CompatLevel", textTable, several, inForm("categorical", "binary"), oldest),
		readCase("other columns", "the columns in another order, with others between them, a list among them", allTable, several, categorical, newest).with(extra),
		readCase("types that widen", "narrower integers and floats, other units and zones, an older name", wideTable, several, wide("float32", ""), newest),
		readCase("zeros for nulls", "nulls in a column that is not nullable, read with ZeroNulls", strict, several, strictly(anyways, ""), newest).with(func(k *kase) {
			k.read.Nulls = rt.ZeroNulls
		}),
		readCase("null where none may be", "nulls in a column that is not nullable", strict, several, strictly(anyways, ""), newest).
			refused(`column "id" is null in row`),
		readCase("time without a zone", "for a column of instants", strict, several, strictly(asTable, "timestamp[us]"), newest).
			refused("add timestamp(us) or naive=UTC"),
		flightsCase("flights", "50,000 real flights that polars has read from pyarrow's file", "categorical", newest),
		flightsCase("flights, oldest", "the same at the oldest CompatLevel", "categorical", oldest),
		readCase("ZSTD", "compressed bodies", tradeTable, []int{500}, categorical, options{Compression: "zstd"}),
		readCase("LZ4", "compressed bodies", tradeTable, []int{500}, categorical, options{Compression: "lz4"}),
	}
}
