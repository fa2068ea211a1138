package ipc

import "github.com/lightstream-go/lightstream/runtime/frame"

// Limits bound what a peer can make a reader do. A zero field means its default.
type Limits struct {
	MaxMetadata          int64 // bytes of one message's metadata, and of the texts in a schema, 16 MiB
	MaxBody              int64 // bytes of one message's body, and of what its buffers inflate to, 1 GiB; of a mapped file what is not copied may have its size
	MaxRatio             int   // how many times its length a compressed body may inflate to where that is over 64 MiB, 1,000
	MaxRows              int64 // rows of one batch, 2^31-1
	MaxColumns           int   // fields of a schema, nested ones too, 65,536
	MaxDepth             int   // levels of nesting, 64
	MaxDictionaryEntries int   // values of all dictionaries of a stream together, 16 Mi
	MaxDictionaryBytes   int64 // bytes of those, 256 MiB
	MaxExpanded          int64 // bytes that one batch's dictionaries, views and absent columns are expanded to, and, beside 16 times its own, one message's texts and tables, 256 MiB
	MaxMessages          int   // messages in a row that are no batch, 65,536
}

// WithDefaults returns the limits with a default for each that is zero; l may be nil.
func (l *Limits) WithDefaults() Limits {
	var d Limits
	if l != nil {
		d = *l
	}
	set(&d.MaxMetadata, 16<<20)
	set(&d.MaxBody, 1<<30)
	set(&d.MaxRatio, 1000)
	set(&d.MaxRows, 1<<31-1)
	set(&d.MaxColumns, 1<<16)
	set(&d.MaxDepth, 64)
	set(&d.MaxDictionaryEntries, 16<<20)
	set(&d.MaxDictionaryBytes, 256<<20)
	set(&d.MaxExpanded, 256<<20)
	set(&d.MaxMessages, 1<<16)
	return d
}

func set[T int | int64](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// Level is how much of a batch is checked before it is handed out.
type Level int

const (
	// DefaultLevel is Contents for streams and files that are read, and Structure for what is mapped.
	DefaultLevel Level = iota
	// Structure is everything whose cost is that of the metadata: sizes, bounds, counts. It is always checked.
	Structure
	// Contents is also each value that other values are found by: offsets, indices, views, and the null counts; and that no row
	// leads to a null below it where none may be. After it no accessor can panic.
	Contents
	// UTF8 is also that text is valid UTF-8.
	UTF8
)

// Align is where the buffers of a batch must lie. One that does not is copied, and counted.
type Align int

const (
	// DefaultAlign is Align64 for streams and files that are read, and ValueSize for what is mapped.
	DefaultAlign Align = iota
	// Align64 wants each buffer at a multiple of 64 bytes.
	Align64
	// ValueSize wants each buffer at a multiple of the size of its values.
	ValueSize
)

// The conditions that the errors of this package wrap; those of [frame] are the same values.
var (
	ErrTruncated   = frame.ErrTruncated
	ErrLimit       = frame.ErrLimit
	ErrMalformed   = frame.ErrMalformed
	ErrUnsupported = frame.ErrUnsupported
)
