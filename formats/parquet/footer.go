package parquet

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// A file ends with its metadata, their length and the magic:
//
//	… | metadata, n bytes | n, 4 bytes | PAR1
const (
	magic     = "PAR1"
	encrypted = "PARE"
	tail      = 8
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrMalformed, format, args...))
}

// cutOff is the error of a file without its end, such as one that is still being written or copied.
func cutOff() error {
	return malformed("the file is cut off: it begins as Parquet, but its end is not there")
}

// checkFooter checks the end of a file and that its metadata is whole. It returns how many bytes come before it.
func checkFooter(src io.ReaderAt, size int64, l *Limits) (end int64, err error) {
	if size == 0 {
		return 0, malformed("the file is empty")
	}
	var start [len(magic)]byte
	if size >= int64(len(magic)) {
		if err := readAt(src, start[:], 0); err != nil {
			return 0, err
		}
	}
	if size < int64(len(magic)+tail) {
		if string(start[:]) == magic {
			return 0, cutOff()
		}
		return 0, malformed("%d bytes are no Parquet file", size)
	}
	var b [tail]byte
	if err := readAt(src, b[:], size-tail); err != nil {
		return 0, err
	}
	if string(b[4:]) == encrypted {
		return 0, fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrUnsupported, "the file is encrypted"))
	}
	if string(b[4:]) != magic && string(start[:]) == magic {
		return 0, cutOff()
	}
	if string(b[4:]) != magic || string(start[:]) != magic {
		return 0, malformed("%q at the start and %q at the end are no Parquet file, want %q", start[:], b[4:], magic)
	}
	n := int64(binary.LittleEndian.Uint32(b[:]))
	switch {
	case n > size-int64(len(magic)+tail):
		return 0, malformed("a footer of %d bytes in a file of %d", n, size)
	case n > l.MaxFooter:
		return 0, fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "a footer of %d bytes exceeds Limits.MaxFooter (%d); raise it", n, l.MaxFooter))
	}
	footer := make([]byte, n)
	if err := readAt(src, footer, size-tail-n); err != nil {
		return 0, err
	}
	t := thrift{b: footer, what: "footer"}
	if err := t.structure(0); err != nil {
		return 0, err
	}
	if t.encrypted {
		return 0, fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrUnsupported, "the file is encrypted, but for its footer"))
	}
	if err := checkTree(t.children, l); err != nil {
		return 0, err
	}
	return size - tail - n, nil
}

func readAt(src io.ReaderAt, b []byte, at int64) error {
	n, err := src.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF || err == nil {
		return malformed("the file ends at byte %d, want %d more", at+int64(n), len(b)-n)
	}
	return fmt.Errorf("lightstream: %w", err)
}

// thrift walks over Thrift's compact encoding: whether every length stays inside.
//
// Source: Thrift compact protocol encoding.
type thrift struct {
	what     string // that it is of
	b        []byte
	at       int
	head     int     // where the field begins that is looked at
	children []int64 // of each element of the schema
	element  bool    // one of them is passed over

	encrypted bool // there is an algorithm that parts of the file are encrypted by
}

// The places of what is looked at.
//
// Source: parquet.thrift, FileMetaData and SchemaElement.
const (
	fieldSchema     = 2
	fieldEncryption = 8
	fieldChildren   = 5
)

// checkTree checks the elements of a schema, each of which comes before those below it.
func checkTree(children []int64, l *Limits) error {
	if len(children) == 0 {
		return malformed("the footer has no schema")
	}
	if len(children) > 2*l.MaxColumns+1 {
		return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "a schema of %d elements exceeds Limits.MaxColumns (%d); raise it", len(children), l.MaxColumns))
	}
	var open []int64 // how many are to come below each of those that are begun
	for i, n := range children {
		for i > 0 && len(open) > 0 && open[len(open)-1] == 0 {
			open = open[:len(open)-1]
		}
		switch {
		case i > 0 && len(open) == 0:
			return malformed("the schema is complete after %d of its %d elements", i, len(children))
		case n < 0 || n > int64(len(children)-i-1):
			return malformed("%d elements below number %d of %d in the schema", n, i, len(children))
		case len(open) > maxDepth:
			return fmt.Errorf("lightstream: %w", frame.Errorf(ipc.ErrLimit, "the schema has more than %d levels", maxDepth))
		}
		if i > 0 {
			open[len(open)-1]--
		}
		open = append(open, n)
	}
	for _, n := range open {
		if n != 0 {
			return malformed("the schema ends after %d elements, %d more are to come", len(children), n)
		}
	}
	return nil
}

// maxDepth is how deep columns are nested: three levels of Parquet are one of Arrow.
const maxDepth = 3 * 64

const (
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
	thriftUUID   = 13

	maxThriftDepth = 32
)

func (t *thrift) cut() error { return malformed("the %s is cut off at byte %d", t.what, t.at) }

func (t *thrift) byte() (byte, error) {
	if t.at >= len(t.b) {
		return 0, t.cut()
	}
	t.at++
	return t.b[t.at-1], nil
}

func (t *thrift) uvarint() (uint64, error) {
	v, n := binary.Uvarint(t.b[t.at:])
	if n <= 0 {
		return 0, t.cut()
	}
	t.at += n
	return v, nil
}

func (t *thrift) skip(n uint64) error {
	if n > uint64(len(t.b)-t.at) {
		return malformed("%d bytes from byte %d of a %s of %d", n, t.at, t.what, len(t.b))
	}
	t.at += int(n)
	return nil
}

// structure passes over a struct.
func (t *thrift) structure(depth int) error {
	if depth > maxThriftDepth {
		return malformed("the %s has more than %d levels", t.what, maxThriftDepth)
	}
	element, below := t.element, int64(0)
	t.element = false
	for id := int64(0); ; {
		head, err := t.byte()
		if err != nil {
			return err
		}
		if head == 0 {
			break
		}
		id += int64(head >> 4)
		if head>>4 == 0 { // the id comes alone
			if id, err = t.varint(); err != nil {
				return err
			}
		}
		kind := head & 15
		t.encrypted = t.encrypted || depth == 0 && id == fieldEncryption
		switch {
		case kind == thriftTrue || kind == thriftFalse: // the value is the kind
			continue
		case element && id == fieldChildren && kind == thriftI32:
			if below, err = t.varint(); err != nil {
				return err
			}
			continue
		case depth == 0 && id == fieldSchema && kind == thriftList:
			if err := t.list(depth, true); err != nil {
				return err
			}
			continue
		}
		if err := t.value(kind, depth); err != nil {
			return err
		}
	}
	if element {
		t.children = append(t.children, below)
	}
	return nil
}

func (t *thrift) varint() (int64, error) {
	v, err := t.uvarint()
	return int64(v>>1) ^ -int64(v&1), err
}

// list passes over a list, maybe that of the schema's elements.
func (t *thrift) list(depth int, elements bool) error {
	head, err := t.byte()
	if err != nil {
		return err
	}
	n := uint64(head >> 4)
	if n == 15 {
		if n, err = t.uvarint(); err != nil {
			return err
		}
	}
	return t.items(n, depth, elements, head&15)
}

// value passes over a value.
func (t *thrift) value(kind byte, depth int) error {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		return t.skip(1)
	case thriftI16, thriftI32, thriftI64:
		_, err := t.uvarint()
		return err
	case thriftDouble:
		return t.skip(8)
	case thriftUUID:
		return t.skip(16)
	case thriftBinary:
		n, err := t.uvarint()
		if err != nil {
			return err
		}
		return t.skip(n)
	case thriftList, thriftSet:
		return t.list(depth, false)
	case thriftMap:
		n, err := t.uvarint()
		if err != nil || n == 0 {
			return err
		}
		kinds, err := t.byte()
		if err != nil {
			return err
		}
		return t.items(n, depth, false, kinds>>4, kinds&15)
	case thriftStruct:
		return t.structure(depth + 1)
	}
	return malformed("the %s has a field of type %d at byte %d", t.what, kind, t.at)
}

// items passes over n items of each kind in turn.
func (t *thrift) items(n uint64, depth int, elements bool, kinds ...byte) error {
	if n > uint64(len(t.b)-t.at) {
		return malformed("a list of %d items in the last %d bytes of the %s", n, len(t.b)-t.at, t.what)
	}
	if depth >= maxThriftDepth {
		return malformed("the %s has more than %d levels", t.what, maxThriftDepth)
	}
	for range n {
		for _, kind := range kinds {
			t.element = elements && kind == thriftStruct
			if err := t.value(kind, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
