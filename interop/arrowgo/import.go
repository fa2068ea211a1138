package arrowgo

import (
	"github.com/apache/arrow-go/v18/arrow"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Batch returns a record as a batch of a table, as [Importer.Batch] does with all default options. It is for a single record: for
// those of a stream an [Importer] fits the schema and converts dictionaries once.
func Batch[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W], rec arrow.RecordBatch) (B, error) {
	m, err := NewImporter(t, rec.Schema(), nil)
	if err != nil {
		var none B
		return none, err
	}
	return m.Batch(rec)
}

// Importer makes batches B of one table from records of one schema. It keeps what it made of their dictionaries for the next
// record. It is for one goroutine at a time; its batches are for any.
type Importer[B any] struct {
	adopter *rt.Adopter[B]
	columns columns
}

// NewImporter returns an importer of records of the given schema, which is fitted to the table as that of a stream is: columns are
// found by name, extra ones are skipped, and other widths, units and layouts are converted where nothing is lost. What a field says
// about nulls does not count, as arrow-go does not check it: the nulls that come do. Of the options, Limits, Validate, Nulls and
// Pool mean what they mean to a reader, and nil is all defaults. The error is a *[rt.SchemaError] where the schema does not fit.
func NewImporter[R, B any, W rt.Builder[R]](t *rt.Table[R, B, W], schema *arrow.Schema, opts *rt.ReaderOptions) (*Importer[B], error) {
	if err := checkHost(); err != nil {
		return nil, err
	}
	if err := checkEndian(schema); err != nil {
		return nil, err
	}
	s := &ipc.Schema{Fields: make([]ipc.Field, schema.NumFields())}
	for i := range s.Fields {
		s.Fields[i], _ = fieldFrom(schema.Field(i), schema.Field(i).Name) // one that has no counterpart fits no column, and may be an extra one
		s.Fields[i].Nullable = true
	}
	a, err := rt.NewAdopter(t, s, opts)
	if err != nil {
		return nil, err
	}
	m := &Importer[B]{adopter: a}
	m.columns.init(s, a.Wants)
	return m, nil
}

// Batch returns a record as a batch. Its columns lie where those of the record do if the types are the same; what slices and other
// types cost, the package comment says. The batch holds a reference to rec until it is released, after which or before which rec may
// be released as well; there is none where there is an error.
//
// The error is a *[rt.NullError] for a null in a column that is not nullable, a *[rt.ConvertError] for a value that does not fit,
// or wraps [ipc.ErrMalformed] for offsets and indices that lead nowhere. The importer stays usable.
func (m *Importer[B]) Batch(rec arrow.RecordBatch) (B, error) {
	var b B
	rows, data, err := m.columns.of(rec)
	if err == nil {
		rec.Retain()
		if b, err = m.adopter.Adopt(rows, data, rec.Release); err != nil {
			rec.Release()
		}
	}
	if err != nil {
		m.columns.undo()
	}
	m.columns.done()
	return b, err
}

// Stats returns what the importer has done so far. Realigned counts buffers that were copied because the record was a slice or its
// memory not aligned.
func (m *Importer[B]) Stats() rt.Stats {
	s := m.adopter.Stats()
	s.Realigned += m.columns.copied
	return s
}
