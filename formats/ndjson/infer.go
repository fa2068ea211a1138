package ndjson

import (
	"bytes"
	"errors"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// infer returns the columns of the first records. Those that are no JSON are left to the reader.
func (c *core) infer() (*ipc.Schema, error) {
	first := c.First
	j := &text.JSON{Opts: c.opts.Values.JSON}
	j.Reset(first.Buf[:first.N], 0)
	if c.array {
		j.Space()
		j.Pos++
	}
	var rows text.Shape
	for n := 0; n < c.opts.SampleRows; n++ {
		next := j.Space()
		if c.array && (next == ',' || next == ']') {
			j.Pos++
			next = j.Space()
		}
		if j.Pos >= first.N {
			break
		}
		pos := j.Pos
		if next == '{' {
			if err := rows.Add(j); err != nil && !j.Broken() {
				var e *text.ValueError
				if errors.As(err, &e) {
					e.Line, e.Column = first.Place(e.Offset)
				}
				return nil, err
			} else if err == nil {
				continue
			}
		}
		if c.array {
			break // the reader will tell
		}
		end := bytes.IndexByte(first.Buf[pos:first.N], '\n')
		if end < 0 {
			break
		}
		j.Reset(first.Buf[:first.N], pos+end+1)
	}
	schema := &ipc.Schema{}
	given := map[string]*ipc.Field{}
	for i := range c.opts.Types {
		given[c.opts.Types[i].Name] = &c.opts.Types[i]
	}
	for _, f := range rows.Fields() {
		if of := given[f.Name]; of != nil {
			f = *of
			delete(given, f.Name)
		}
		schema.Fields = append(schema.Fields, f)
	}
	for i := range c.opts.Types { // of those that no record has
		if f := &c.opts.Types[i]; given[f.Name] != nil {
			schema.Fields = append(schema.Fields, *f)
		}
	}
	return schema, nil
}
