package csv

import (
	"slices"
	"unicode/utf8"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// infer returns the columns of the input, with types that hold all values of the first records.
func (c *core) infer() (*ipc.Schema, error) {
	o := c.opts
	var b block
	// A copy, as texts with doubled quotes go behind the chunk.
	first := *c.First
	first.Buf = first.Buf[:first.N:first.N]
	c.split.begin()
	c.split.records(&first, &b, first.Pos, o.SampleRows, true)
	if c.split.stride > o.MaxColumns {
		return nil, c.tooManyColumns()
	}
	wrong := make(map[int]bool, len(b.marks))
	for _, m := range b.marks {
		wrong[m.row] = true
	}
	names := c.names()
	schema := &ipc.Schema{Fields: make([]ipc.Field, len(names))}
	c.places = make([]int, len(names))
	given := map[string]*ipc.Field{}
	for i := range o.Types {
		name := o.Types[i].Name
		if !slices.Contains(names, name) {
			return nil, &text.ColumnError{Option: "Options.Types", Name: name, Have: names}
		}
		given[name] = &o.Types[i]
	}
	nulls := map[string]bool{"": true}
	for _, s := range o.Nulls {
		nulls[s] = true
	}
	for k, name := range names {
		c.places[k] = k
		if f := given[name]; f != nil {
			schema.Fields[k] = *f
			continue
		}
		var guess text.Guess
		raw := false
		for i := range b.rows {
			if wrong[i] {
				continue
			}
			sp := b.span(i, k, c.split.stride)
			if sp == text.Missing {
				continue
			}
			f := first.Buf[sp.Start&^quoted : sp.End]
			if o.TrimSpace && sp.Start&quoted == 0 {
				f = trim(f)
			}
			switch {
			case sp.Start&quoted == 0 && nulls[string(f)] || sp.Start&quoted != 0 && len(f) == 0 && !guess.Seen():
			case !utf8.Valid(f):
				guess.Add(nil)
				raw = o.UTF8 == KeepUTF8
			default:
				guess.Add(f)
			}
		}
		schema.Fields[k] = ipc.Field{Name: name, Type: guess.Type(), Nullable: true}
		if raw {
			schema.Fields[k].Type = ipc.Binary
		}
	}
	return schema, nil
}

func trim(f []byte) []byte {
	for len(f) > 0 && (f[0] == ' ' || f[0] == '\t') {
		f = f[1:]
	}
	for len(f) > 0 && (f[len(f)-1] == ' ' || f[len(f)-1] == '\t') {
		f = f[:len(f)-1]
	}
	return f
}
