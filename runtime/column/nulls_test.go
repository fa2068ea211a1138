package column

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// TestSetNulls wants rows that are made null by bits to be those that are added as nulls, from any row on, behind others of both kinds, twice, and
// with rows behind them.
func TestSetNulls(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		var a, b FixedBuilder[int16]
		var c, d BoolBuilder
		var e, f BinaryBuilder
		for _, h := range []interface{ Init(Config) }{&a, &b, &c, &d, &e, &f} {
			h.Init(Config{Name: "c", Nullable: true})
		}
		rows := 0
		add := func(v int16, valid bool) {
			b.AppendNullable(v, valid)
			d.AppendNullable(v&1 != 0, valid)
			text := []byte("some text")[:v%9]
			if f.AppendCut(text, 0, len(text)); !valid {
				f.Truncate(rows)
				f.AppendNull()
			}
			rows++
		}
		for range 1 + r.IntN(6) {
			if r.IntN(3) == 0 { // one by one
				for range r.IntN(20) {
					v, valid := int16(r.IntN(9)), r.IntN(4) != 0
					a.AppendNullable(v, valid)
					c.AppendNullable(v&1 != 0, valid)
					text := []byte("some text")[:v%9]
					if valid {
						e.AppendCut(text, 0, len(text))
					} else {
						e.AppendNull()
					}
					add(v, valid)
				}
				continue
			}
			n, nulls, bits := r.IntN(65), r.Uint64(), uint64(0)
			if r.IntN(4) == 0 {
				nulls = 0
			}
			if n < 64 {
				nulls &= 1<<n - 1
			}
			from, values := a.Len(), a.ExtendUnset(n)
			for i := range n {
				v, null := int16(r.IntN(9)), nulls>>i&1 != 0
				text := []byte("some text")[:v%9]
				if values[i] = v; null {
					values[i], text = 0, nil
				} else {
					bits |= uint64(v&1) << i
				}
				e.AppendCut(text, 0, len(text))
				add(v, !null)
			}
			c.AppendBits(bits|^(1<<n-1), n) // of which those behind n are nobody's
			for _, some := range []uint64{nulls & r.Uint64(), nulls} {
				a.SetNulls(from, some)
				c.SetNulls(from, some)
				e.SetNulls(from, some)
			}
		}
		for i, p := range [][2]Data{{a.Data(), b.Data()}, {c.Data(), d.Data()}, {e.Data(), f.Data()}} {
			got, want := p[0], p[1]
			if got.Len != want.Len || got.Nulls != want.Nulls {
				t.Fatalf("column %d: %d rows with %d nulls, want %d with %d", i, got.Len, got.Nulls, want.Len, want.Nulls)
			}
			for k := range got.Buffers {
				if !bytes.Equal(got.Buffers[k], want.Buffers[k]) {
					t.Fatalf("column %d, buffer %d: %x, want %x", i, k, got.Buffers[k], want.Buffers[k])
				}
			}
		}
	}
}

// TestSetNullsRefused wants nulls of a column that has none to be an error, and those of rows that are not there a panic.
func TestSetNullsRefused(t *testing.T) {
	var b FixedBuilder[int8]
	b.Init(Config{Name: "c"})
	b.AppendAll(make([]int8, 10))
	b.SetNulls(2, 0)
	if b.Err() != nil {
		t.Error(b.Err())
	}
	b.SetNulls(2, 0b1010)
	var e *ValueError
	if err := b.Err(); !errors.Is(err, ErrNotNullable) || !errors.As(err, &e) || e.Row != 3 || b.Nulls() != 0 {
		t.Errorf("%v, %d nulls", err, b.Nulls())
	}
	defer func() {
		if recover() == nil {
			t.Error("a row that is not there is null")
		}
	}()
	b.SetNulls(7, 0b1000)
}
