package csv

import (
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/formats/internal/chunks"
	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Ragged is what becomes of a record with another number of fields than the first has.
type Ragged int

// What can become of it.
const (
	RefuseRagged Ragged = iota // it is an error
	PadRagged                  // one with fewer fields has nulls for the others, one with more is an error
	SkipRagged                 // it is passed over, and counted
)

// UTF8 is what becomes of a text that is no valid UTF-8.
type UTF8 int

// What can become of it.
const (
	RefuseUTF8  UTF8 = iota // it is an error of its record
	ReplaceUTF8             // what is wrong becomes U+FFFD
	// KeepUTF8 keeps bytes: columns of bytes hold their fields as they stand, and not what base64 in them stands for, and a column with
	// such a text in the records that types are inferred from is one of bytes. In a column of text it is an error of its record.
	KeepUTF8
)

// Options are the settings of a [Reader].
type Options struct {
	// Comma stands between fields. Zero means a comma.
	Comma byte
	// Comment begins a line that is passed over, where it is the first byte. Zero is none.
	Comment byte
	// Nulls are the texts of nulls that are not in quotes, so that none may have Comma, a quote or a line end. An empty field is a null too, but for columns of text and bytes that have
	// none.
	Nulls []string
	// NoHeader tells that the first record is not the names of the columns.
	NoHeader bool
	// ByPosition takes the columns of the schema in the order in which they stand in the input, whatever names these have. Without it
	// they are found by name where there is a header.
	ByPosition bool
	// Schema are the columns that are wanted, with their types. Nil means all, with types that are inferred.
	Schema *ipc.Schema
	// Types are the types of some columns by name, where those of the others are inferred.
	Types []ipc.Field
	// SampleRows is how many records of the first chunk types are inferred from. Zero means 10,000.
	SampleRows int
	// Ragged is what becomes of records with another number of fields. Zero means [RefuseRagged].
	Ragged Ragged
	// UTF8 is what becomes of text that is no UTF-8. Zero means [RefuseUTF8].
	UTF8 UTF8
	// TrimSpace drops spaces and tabs around fields that are not in quotes.
	TrimSpace bool
	// Values say how fields are read: JSON of nested columns, timestamps without a zone, byte strings.
	Values text.Options

	// MaxRejected is how many records may be passed over because a field in them could not be read. The next one is the
	// reader's error, which wraps [text.ErrRejected].
	// Zero means none, a negative number any. A quote that is still open at the end of the input is an error at all times, as any number of
	// records may be in its field.
	MaxRejected int64
	// Rejected takes the lines of records that were passed over, as they are. Nil drops them.
	Rejected io.Writer
	// RejectedHeader puts the line of names before the first of them, where the input has one, so that they are CSV by themselves.
	RejectedHeader bool
	// OnRejected is told of each of them, in their order, by the goroutine that calls Next. Nil is nobody.
	OnRejected func(*text.ValueError)
	// OnRagged is told how many records more were passed over by [SkipRagged], by the goroutine that calls Next. Nil is nobody; Stats count
	// them too.
	OnRagged func(n int64)

	// Parallel is how many goroutines parse at once, each a chunk. The batches come in order. Zero means one.
	Parallel int
	// ChunkBytes is how much is read at once, in bytes; a batch holds the records of one chunk at most. Zero means 512 KiB.
	ChunkBytes int
	// BatchRows is the most rows of a batch. Zero means 65,536.
	BatchRows int
	// MaxColumns is the most fields of a record. Zero means 65,536.
	MaxColumns int
	// MaxField is the longest field, in bytes. Zero means 16 MiB.
	MaxField int
	// MaxRecord is the longest record, in bytes. Zero means 64 MiB, and the most is 1 GiB.
	MaxRecord int
	// Name is what errors call the input. Empty means what the method Name of the reader of bytes returns, as [os.File] has one, if it has one.
	Name string
}

func (o *Options) withDefaults(r io.Reader) (*Options, error) {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Name == "" {
		d.Name = ipc.SourceName(r)
	}
	set := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	if d.Comma == 0 {
		d.Comma = ','
	}
	set(&d.SampleRows, 10_000)
	set(&d.Parallel, 1)
	set(&d.ChunkBytes, 512<<10)
	set(&d.BatchRows, 65_536)
	set(&d.MaxColumns, 65_536)
	set(&d.MaxField, 16<<20)
	set(&d.MaxRecord, 64<<20)
	d.MaxRecord = min(d.MaxRecord, chunks.MostRecord)
	d.ChunkBytes = min(d.ChunkBytes, d.MaxRecord)
	if err := separates("Options.Comma", d.Comma); err != nil {
		return nil, err
	}
	if err := separates("Options.Comment", d.Comment); err != nil {
		return nil, err
	}
	for _, null := range d.Nulls {
		if err := bare("Options.Nulls", null, d.Comma); err != nil {
			return nil, err
		}
	}
	d.Values.Raw = d.Values.Raw || d.UTF8 == KeepUTF8
	if d.Comma == d.Comment {
		return nil, fmt.Errorf("lightstream: %q stands both between fields and before comments", d.Comma)
	}
	if d.Schema != nil && len(d.Types) != 0 {
		return nil, fmt.Errorf("lightstream: Options.Types are for types that are inferred, and Schema has them all")
	}
	return &d, nil
}

// separates refuses what cannot stand between fields or before comments, as it would be read as something else.
func separates(option string, c byte) error {
	if c == '"' || c == '\n' || c == '\r' || c >= 0x80 {
		return fmt.Errorf("lightstream: %s is %q, want a character of ASCII that is no quote and no line end", option, string([]byte{c}))
	}
	return nil
}

// bare refuses a text of nulls that would have to be in quotes: a field in quotes is a text, and no null.
func bare(option, null string, comma byte) error {
	for i := range len(null) {
		if c := null[i]; c == comma || c == '"' || c == '\n' || c == '\r' {
			return fmt.Errorf("lightstream: %s is %q, want a text without %q: it would have to be in quotes, and what is in quotes is no null", option, null, string([]byte{c}))
		}
	}
	return nil
}

// Stats counts what a reader has done so far.
type Stats struct {
	Batches  int64
	Rows     int64
	Bytes    int64 // read
	Rejected int64 // records that were passed over because of a field
	Ragged   int64 // records that were passed over because of the number of their fields
}
