package text

import (
	"math/big"
	"testing"

	"github.com/lightstream-go/lightstream/runtime/column"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// TestPlainNumber reads numbers with exponents and points into integers and decimals, where these hold them exactly.
func TestPlainNumber(t *testing.T) {
	int32s := &ipc.Field{Name: "i", Type: ipc.Int32}
	uint8s := &ipc.Field{Name: "u", Type: ipc.Uint8}
	decimals := &ipc.Field{Name: "d", Type: ipc.Type{Kind: ipc.KindDecimal, Bits: 128, Precision: 9, Scale: 2}}
	for _, c := range []struct {
		f    *ipc.Field
		in   string
		want int64
		err  error
	}{
		{int32s, "1e2", 100, nil},
		{int32s, "1E+2", 100, nil},
		{int32s, "-1.50e1", -15, nil},
		{int32s, "1.0", 1, nil},
		{int32s, "0e0", 0, nil},
		{int32s, "1200e-2", 12, nil},
		{int32s, "1.", 1, nil},
		{int32s, "1.5", 0, ErrRange},
		{int32s, "1e10", 0, ErrRange},
		{int32s, "1e-1", 0, ErrRange},
		{int32s, "1e999999999", 0, ErrRange},
		{int32s, "1e", 0, ErrType},
		{int32s, "e1", 0, ErrType},
		{int32s, "1x2", 0, ErrType},
		{int32s, ".", 0, ErrType},
		{uint8s, "2.55e2", 255, nil},
		{uint8s, "256.0", 0, ErrRange},
		{uint8s, "-1.0", 0, ErrRange},
		{decimals, "1e2", 10000, nil},
		{decimals, "125E-2", 125, nil},
		{decimals, "1.250e0", 125, nil},
		{decimals, "-5e-2", -5, nil},
		{decimals, "1e-3", 0, ErrRange},
		{decimals, "1e8", 0, ErrRange},
	} {
		col, err := ColumnOf(c.f, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = col.AppendText([]byte(c.in))
		if err != c.err {
			t.Errorf("%s %s: %v, want %v", c.f.TypeString(), c.in, err, c.err)
			continue
		}
		if err != nil {
			continue
		}
		var d column.Data
		col.Builder().DataTo(&d)
		b := d.Buffers[1][:ipc.ValueWidth(c.f.Type)]
		v := new(big.Int)
		for i := len(b) - 1; i >= 0; i-- {
			v.Or(v.Lsh(v, 8), big.NewInt(int64(b[i])))
		}
		if c.f != uint8s && b[len(b)-1]>>7 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
		}
		if v.Int64() != c.want {
			t.Errorf("%s %s: %v, want %d", c.f.TypeString(), c.in, v, c.want)
		}
	}
}
