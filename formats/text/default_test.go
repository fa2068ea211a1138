package text_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/lightstream-go/lightstream/formats/text"
	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestDefaultValues fills fields in that the input does not have, with defaults as tables give them.
func TestDefaultValues(t *testing.T) {
	for _, c := range []struct {
		t    ipc.Type
		v    any
		want string
	}{
		{ipc.Timestamp(column.Millisecond, "UTC"), int64(-1), "1969-12-31T23:59:59.999Z"},
		{ipc.Timestamp(column.Nanosecond, ""), int64(1), "1970-01-01T00:00:00.000000001"},
		{ipc.Date32, int64(-1), "1969-12-31"},
		{ipc.Date64, int64(86_400_000), "1970-01-02"},
		{ipc.Time32(column.Second), int64(61), "00:01:01"},
		{ipc.Time64(column.Nanosecond), int64(1), "00:00:00.000000001"},
		{ipc.Duration(column.Second), int64(-90), "-90"},
		{ipc.Decimal(32, 9, 2), int64(-125), "-1.25"},
		{ipc.Decimal(128, 38, 2), column.Decimal128{Lo: 1, Hi: 1}, "184467440737095516.17"},
		{ipc.Decimal(256, 76, 2), column.Decimal256{1, 1}, "184467440737095516.17"},
	} {
		f := ipc.Field{Name: "x", Type: c.t}
		col, err := text.ColumnOf(&f, nil)
		if err != nil {
			t.Fatal(err)
		}
		col.SetDefault(c.v)
		if err := errors.Join(col.AppendAbsent(), col.AppendText([]byte(c.want))); err != nil {
			t.Errorf("%v, %v: %v", c.t, c.v, err)
			continue
		}
		d := col.Builder().Data()
		if values := d.Buffers[1]; d.Len != 2 || !bytes.Equal(values[:len(values)/2], values[len(values)/2:]) {
			t.Errorf("%v, %v: %x, want that of %s twice", c.t, c.v, values, c.want)
		}
	}
}
