package ipc

import (
	"maps"
	"slices"

	"github.com/lightstream-go/lightstream/gen/arrowfb"
)

// Attached are the entries that a program has attached to the messages of a stream that are not batches. Those of the schema itself and
// of its fields are a part of the [Schema], those of a batch come with it.
type Attached struct {
	Schema       []KeyValue           // to the message of the schema
	Dictionaries map[int64][]KeyValue // to the messages of a dictionary, by its id
}

// Clone returns a copy with lists of its own.
func (a Attached) Clone() Attached {
	c := Attached{Schema: slices.Clone(a.Schema), Dictionaries: maps.Clone(a.Dictionaries)}
	for id, entries := range c.Dictionaries {
		c.Dictionaries[id] = slices.Clone(entries)
	}
	return c
}

// attach keeps the entries of a message, in the place of earlier ones. What is kept in all is bounded.
func (d *decoder) attach(m arrowfb.Message, kept *[]KeyValue) error {
	for _, kv := range *kept {
		d.attachedSize -= entrySize + int64(len(kv.Key)+len(kv.Value))
	}
	r := schemaReader{limits: &d.limits, text: d.attachedSize}
	entries, err := r.metadata("message.customMetadata", m.CustomMetadataLen(), m.CustomMetadata)
	if err != nil {
		return err
	}
	*kept, d.attachedSize = entries, r.text
	return nil
}

// attached returns what has been attached to messages.
func (d *decoder) attached() Attached {
	a := Attached{Schema: slices.Clone(d.attachedSchema)}
	for id, x := range d.dicts {
		if len(x.attached) != 0 {
			if a.Dictionaries == nil {
				a.Dictionaries = make(map[int64][]KeyValue)
			}
			a.Dictionaries[id] = slices.Clone(x.attached)
		}
	}
	return a
}

// Attached returns the entries of the schema's message and those of the last message of each dictionary, of the messages that were read so
// far. The ids of dictionaries are those of the schema.
func (r *Reader) Attached() Attached { return r.dec.attached() }

// Attached returns the entries of the last message of each dictionary. The schema of a file is read from its footer.
func (r *FileReader) Attached() Attached { return r.first.dec.attached() }

// SetAttached attaches entries to the message of the schema, if that has not been sent, and to those of dictionaries that are sent from
// now on. The ids of dictionaries are those that the writer gives them, see [Schema.WithIDs].
func (w *Writer) SetAttached(a Attached) {
	if w.enc != nil {
		w.enc.others = a.Clone()
	}
}
