package rt_test

import (
	"encoding/json"
	"fmt"
	"testing"

	rt "github.com/lightstream-go/lightstream/runtime"
)

// TestNull goes through the ways in which a value, or none, can be had.
func TestNull(t *testing.T) {
	some, none := rt.Some("a"), rt.Null[string]{V: "left over"}
	if some.Or("b") != "a" || none.Or("b") != "b" {
		t.Error(some.Or("b"), none.Or("b"))
	}
	if p := some.Ptr(); p == nil || *p != "a" || none.Ptr() != nil {
		t.Error(p, none.Ptr())
	}
	p := some.Ptr()
	*p = "changed"
	if some.V != "a" {
		t.Error("Ptr is no copy")
	}
	if some.String() != "a" || none.String() != "null" || fmt.Sprint(rt.Some(1.5)) != "1.5" {
		t.Error(some, none)
	}
}

// TestNullJSON writes values as JSON has them and reads them back.
func TestNullJSON(t *testing.T) {
	type row struct {
		A rt.Null[int]            `json:"a"`
		B rt.Null[[]string]       `json:"b"`
		C rt.Null[rt.Null[int64]] `json:"c"`
	}
	for _, c := range []struct {
		row  row
		want string
	}{
		{row{}, `{"a":null,"b":null,"c":null}`},
		{row{A: rt.Some(0), B: rt.Some([]string{"x"}), C: rt.Some(rt.Some(int64(7)))}, `{"a":0,"b":["x"],"c":7}`},
	} {
		p, err := json.Marshal(c.row)
		if err != nil || string(p) != c.want {
			t.Fatalf("%s, %v, want %s", p, err, c.want)
		}
		back := row{A: rt.Some(9)}
		if err := json.Unmarshal(p, &back); err != nil || fmt.Sprintf("%#v", back) != fmt.Sprintf("%#v", c.row) {
			t.Errorf("%#v, %v, want %#v", back, err, c.row)
		}
	}
	n := rt.Some(5)
	if err := json.Unmarshal([]byte(`"five"`), &n); err == nil || n != rt.Some(5) {
		t.Error(n, err)
	}
}

func ExampleNull_Or() {
	type reading struct {
		Celsius rt.Null[float64] `json:"celsius"`
	}
	for _, r := range []reading{{rt.Some(21.5)}, {}} {
		p, _ := json.Marshal(r)
		fmt.Println(r.Celsius, r.Celsius.Or(20), string(p))
	}
	// Output:
	// 21.5 21.5 {"celsius":21.5}
	// null 20 {"celsius":null}
}
