package ndjson

import (
	"bytes"
	"errors"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// infer returns the columns of the first records. Those that are no JSON are left to the reader, and so are those with a value of another
// kind than in the records before, where it may pass over them.
func (c *core) infer() (*ipc.Schema, error) {
	first := c.First
	j := &text.JSON{Opts: c.opts.Values.JSON}
	j.Reset(first.Buf[:first.N], 0)
	if c.array {
		j.Space()
		j.Pos++
	}
	var rows text.Shape
	for i := range c.opts.Types {
		rows.Given(c.opts.Types[i].Name)
	}
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
			err := rows.Add(j)
			if err == nil {
				continue
			}
			if !j.Broken() && c.opts.MaxRejected == 0 {
				var e *text.ValueError
				if errors.As(err, &e) {
					e.Line, e.Column = first.Place(e.Offset)
				}
				return nil, err
			}
		}
		if c.array {
			if j.Reset(first.Buf[:first.N], pos); c.opts.MaxRejected == 0 || j.Skip() != nil {
				break // the reader will tell
			}
			continue
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
