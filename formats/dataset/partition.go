package dataset

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/frame"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

var le = binary.LittleEndian

// null is the value of a partition whose column is null.
const null = "__HIVE_DEFAULT_PARTITION__"

// partition is a column and its value in the files below a folder.
type partition struct {
	name, value string
	null        bool
}

// partitionsOf returns what the folders of a path say.
func partitionsOf(name string) (list []partition, err error) {
	parts := strings.Split(name, "/")
	for _, part := range parts[:len(parts)-1] {
		key, value, is := strings.Cut(part, "=")
		if !is || key == "" {
			continue
		}
		p := partition{null: value == null}
		if p.name, err = unescape(key); err == nil {
			p.value, err = unescape(value)
		}
		if err != nil {
			return nil, fmt.Errorf("lightstream: %s: %w", name, err)
		}
		list = append(list, p)
	}
	return list, nil
}

// escape writes what may stand in the name of a folder.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ' ' && i > 0 && i < len(s)-1:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// escapeName writes the name of a column, with which a folder begins.
func escapeName(s string) string {
	if s != "" && (s[0] == '.' || s[0] == '_') {
		return fmt.Sprintf("%%%02X", s[0]) + escape("x" + s[1:])[1:]
	}
	return escape(s)
}

func unescape(s string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", frame.Errorf(frame.ErrMalformed, "%q ends in the middle of an escape", s)
		}
		v, err := strconv.ParseUint(s[i+1:i+3], 16, 8)
		if err != nil {
			return "", frame.Errorf(frame.ErrMalformed, "%q has an escape that is no byte", s)
		}
		b.WriteByte(byte(v))
		i += 2
	}
	return b.String(), nil
}

// inferred returns the type of a column by its values.
func inferred(name string, values []partition) ipc.Field {
	numbers, dates, some := true, true, false
	for _, v := range values {
		if v.null {
			continue
		}
		some = true
		n, err := strconv.ParseInt(v.value, 10, 64)
		numbers = numbers && err == nil && strconv.FormatInt(n, 10) == v.value
		_, err = time.Parse(time.DateOnly, v.value)
		dates = dates && err == nil
	}
	f := ipc.Field{Name: name, Type: ipc.Utf8, Nullable: true}
	switch {
	case !some:
	case numbers:
		f.Type = ipc.Int64
	case dates:
		f.Type = ipc.Date32
	}
	return f
}

// constant is a column that has the same value in all rows.
type constant struct {
	field *ipc.Field
	value partition
	rows  map[int]column.Data // by their number
}

// of returns n rows.
func (c *constant) of(n int) (column.Data, error) {
	if d, ok := c.rows[n]; ok {
		return d, nil
	}
	col, err := text.ColumnOf(c.field, &text.Options{NaiveUTC: true})
	if err != nil {
		return column.Data{}, err
	}
	for range n {
		if c.value.null {
			err = col.AppendNull()
		} else {
			err = col.AppendText([]byte(c.value.value))
		}
		if err != nil {
			return column.Data{}, fmt.Errorf("lightstream: partition %s=%q: %w", c.field.Name, c.value.value, err)
		}
	}
	var d column.Data
	col.Builder().DataTo(&d)
	if err := col.Builder().Err(); err != nil {
		return column.Data{}, err
	}
	if len(c.rows) > 8 || c.rows == nil {
		c.rows = make(map[int]column.Data)
	}
	c.rows[n] = d
	return d, nil
}
