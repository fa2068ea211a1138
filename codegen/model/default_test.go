package model_test

import (
	"testing"

	"github.com/lightstream-go/lightstream/codegen/model"
	"github.com/lightstream-go/lightstream/runtime/column"
)

// TestParseTimed reads texts as values in the column's unit, and writes each as it is read again.
func TestParseTimed(t *testing.T) {
	timestamp := func(u model.Unit, zone string) model.Type {
		return model.Type{Kind: model.Timestamp, Unit: u, Zone: zone}
	}
	date := func(bits int) model.Type { return model.Type{Kind: model.Date, Bits: bits} }
	clock := func(bits int, u model.Unit) model.Type { return model.Type{Kind: model.Time, Bits: bits, Unit: u} }
	span := func(u model.Unit) model.Type { return model.Type{Kind: model.Duration, Unit: u} }
	decimal := func(bits, precision, scale int) model.Type {
		return model.Type{Kind: model.Decimal, Bits: bits, Precision: precision, Scale: scale}
	}
	for _, c := range []struct {
		t         model.Type
		text      string
		canonical string
		value     any // nil is an error
	}{
		{timestamp(model.Second, "UTC"), "1970-01-01T02:00:01+02:00", "1970-01-01T00:00:01Z", int64(1)},
		{timestamp(model.Millisecond, "Europe/Berlin"), "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z", int64(-1)},
		{timestamp(model.Nanosecond, "UTC"), "1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999999Z", int64(-1)},
		{timestamp(model.Nanosecond, "UTC"), "1677-09-21T00:12:43.145224192Z", "1677-09-21T00:12:43.145224192Z", int64(-1 << 63)},
		{timestamp(model.Nanosecond, "UTC"), "1677-09-21T00:12:43.145224191Z", "", nil},
		{timestamp(model.Nanosecond, "UTC"), "2262-04-11T23:47:16.854775808Z", "", nil},
		{timestamp(model.Second, "UTC"), "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z", int64(253402300799)},
		{timestamp(model.Second, "UTC"), "1970-01-01T00:00:00.5Z", "", nil},
		{timestamp(model.Second, "UTC"), "1970-01-01T00:00:00", "", nil},
		{timestamp(model.Microsecond, ""), "1970-01-01T00:00:00.000001", "1970-01-01T00:00:00.000001", int64(1)},
		{timestamp(model.Microsecond, ""), "1970-01-01T00:00:00Z", "", nil},
		{timestamp(model.Second, "UTC"), "1", "", nil},
		{date(32), "1969-12-31", "1969-12-31", int64(-1)},
		{date(64), "1969-12-31", "1969-12-31", int64(-86_400_000)},
		{date(32), "2025-02-29", "", nil},
		{clock(32, model.Second), "23:59:59", "23:59:59", int64(86399)},
		{clock(64, model.Nanosecond), "00:00:00.000000001", "00:00:00.000000001", int64(1)},
		{clock(32, model.Millisecond), "00:00:00.0001", "", nil},
		{clock(32, model.Second), "24:00:00", "", nil},
		{span(model.Second), "-2m", "-2m0s", int64(-120)},
		{span(model.Nanosecond), "-1ns", "-1ns", int64(-1)},
		{span(model.Second), "1.5s", "", nil},
		{span(model.Second), "5", "", nil},
		{decimal(32, 9, 2), "-1.5", "-1.50", int64(-150)},
		{decimal(32, 9, 2), "1.500", "1.50", int64(150)},
		{decimal(32, 4, 2), "99.99", "99.99", int64(9999)},
		{decimal(32, 4, 2), "100", "", nil},
		{decimal(32, 4, 2), "0.001", "", nil},
		{decimal(64, 18, -2), "-1500", "-1500", int64(-15)},
		{decimal(64, 18, -2), "0", "0", int64(0)},
		{decimal(64, 18, -2), "1550.0", "", nil},
		{decimal(64, 18, -2), "5", "", nil},
		{decimal(128, 38, 0), "18446744073709551617", "18446744073709551617", column.Decimal128{Lo: 1, Hi: 1}},
		{decimal(256, 76, 0), "-18446744073709551617", "-18446744073709551617", column.Decimal256{1<<64 - 1, 1<<64 - 2, 1<<64 - 1, 1<<64 - 1}},
		{decimal(32, 9, 2), "", "", nil},
		{decimal(32, 9, 2), "-", "", nil},
		{decimal(32, 9, 2), ".5", "", nil},
		{decimal(32, 9, 2), "5.", "", nil},
		{decimal(32, 9, 2), "--5", "", nil},
		{decimal(32, 9, 2), "5e1", "", nil},
		{decimal(32, 9, 2), "0x5", "", nil},
		{model.Type{Kind: model.Bool}, "true", "", nil},
	} {
		canonical, value, remedy := model.ParseTimed(c.t, c.text)
		if canonical != c.canonical || value != c.value || (remedy == "") != (c.value != nil) {
			t.Errorf("%v, %q: %q, %v, %q; want %q, %v", c.t, c.text, canonical, value, remedy, c.canonical, c.value)
		}
		if c.value == nil {
			continue
		}
		if again, same, _ := model.ParseTimed(c.t, canonical); again != canonical || same != value {
			t.Errorf("%v, %q again: %q, %v", c.t, canonical, again, same)
		}
	}
	for _, c := range []model.Type{timestamp(model.Second, "UTC"), timestamp(model.Second, ""), date(32), clock(32, model.Second), span(model.Second), decimal(32, 1, 0)} {
		if _, _, remedy := model.ParseTimed(c, model.ExampleOf(c)); remedy != "" || !c.IsTimed() {
			t.Errorf("the example of %v: %s", c, remedy)
		}
	}
}
