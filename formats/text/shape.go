package text

import (
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Shape finds a type that holds all of the values of JSON that it is shown. The zero value has seen none.
type Shape struct {
	kind    byte // 0, or that of the values: { [ " 1 t
	numbers Guess
	texts   Guess
	plain   bool   // a text that is no time
	item    *Shape // of arrays
	fields  []field
	places  map[string]int
	given   map[string]bool // fields whose types are known
	known   bool            // the type is

	undo []change // what the value that is shown has changed; of the outermost shape
}

// change is what a shape was before.
type change struct {
	shape *Shape
	was   Shape
}

type field struct {
	name  string
	shape *Shape
}

// Given tells that the type of a field is known, so that its values may be of any.
func (s *Shape) Given(name string) {
	if s.given == nil {
		s.given = map[string]bool{}
	}
	s.given[name] = true
}

// Add shows the value that comes next. One that is no JSON, or of another kind than those before it, is an error, and leaves the shape
// what it was.
func (s *Shape) Add(j *JSON) error {
	changes := s.undo[:0]
	s.undo = nil
	err := s.add(j, &changes)
	if err != nil {
		for i := len(changes) - 1; i >= 0; i-- {
			changes[i].back()
		}
	}
	clear(changes)
	s.undo = changes
	return err
}

// back takes a change back.
func (c *change) back() {
	for _, f := range c.shape.fields[len(c.was.fields):] {
		delete(c.shape.places, f.name)
	}
	*c.shape = c.was
}

func (s *Shape) add(j *JSON, changes *[]change) error {
	if s.known {
		return j.Skip()
	}
	*changes = append(*changes, change{s, *s})
	from, first := j.Pos, j.Space()
	switch first {
	case 'n':
		return j.literal("null")
	case '{':
		if err := s.be(j, from, '{'); err != nil {
			return err
		}
		return s.object(j, changes)
	case '[':
		if err := s.be(j, from, '['); err != nil {
			return err
		}
		if s.item == nil {
			s.item = &Shape{}
		}
		at := len(j.path)
		j.path = append(j.path, step{})
		err := j.Array(func(i int) error {
			j.path[at].index = i
			return s.item.add(j, changes)
		})
		if err == nil {
			j.path = j.path[:at]
		}
		return err
	case '"':
		v, err := j.String()
		if err != nil {
			return err
		}
		if _, ok := parseNonFinite(v); ok && (s.kind == 0 || s.kind == '1') && j.Opts.NonFinite == Refuse {
			s.kind = '1'
			s.numbers.Add(v)
			return nil
		}
		if err := s.be(j, from, '"'); err != nil {
			return err
		}
		if s.texts.Add(v); len(v) == 0 {
			s.plain = true
		}
		return nil
	case 't', 'f':
		if err := s.be(j, from, 't'); err != nil {
			return err
		}
		if first == 't' {
			return j.literal("true")
		}
		return j.literal("false")
	}
	v, err := j.Number()
	if err != nil {
		return err
	}
	if err := s.be(j, from, '1'); err != nil {
		return err
	}
	s.numbers.Add(v)
	return nil
}

// be tells of a value of another kind than those before it.
func (s *Shape) be(j *JSON, from int, kind byte) error {
	if s.kind == 0 {
		s.kind = kind
	}
	if s.kind == kind {
		return nil
	}
	names := map[byte]string{'{': "an object", '[': "an array", '"': "a string", 't': "a bool", '1': "a number"}
	want := names[s.kind] + "; no type has both"
	if s.numeric(j, from, kind) {
		want = names[s.kind] + "; give the column a type that reads numbers in quotes, too, such as float64 or decimal128(18, 2)"
	}
	return j.fail(from, want, ErrMixed)
}

// numeric tells whether the values before are numbers and the one that begins at from is a string of one, or the other way round.
func (s *Shape) numeric(j *JSON, from int, kind byte) bool {
	switch {
	case s.kind == '1' && kind == '"':
		k := JSON{Data: j.Data, Pos: from}
		k.Space()
		v, err := k.String()
		_, ok := parseFloat(v, 64)
		return err == nil && ok
	case s.kind == '"' && kind == '1':
		switch s.texts.Type().Kind {
		case ipc.KindInt, ipc.KindFloat:
			return !s.plain
		}
	}
	return false
}

func (s *Shape) object(j *JSON, changes *[]change) error {
	if s.places == nil {
		s.places = map[string]int{}
	}
	at := len(j.path)
	j.path = append(j.path, step{index: -1})
	err := j.Object(func(key []byte) error {
		k, ok := s.places[string(key)]
		if !ok {
			k = len(s.fields)
			name := string(key)
			s.places[name] = k
			s.fields = append(s.fields, field{name, &Shape{known: s.given[name]}})
		}
		j.path[at].name = s.fields[k].name
		if err := s.fields[k].shape.add(j, changes); err != nil {
			return err
		}
		j.path[at].name = "" // what is wrong behind the field is not its
		return nil
	})
	if err == nil {
		j.path = j.path[:at]
	}
	return err
}

// Fields returns the fields of the objects, in the order in which they came first.
func (s *Shape) Fields() []ipc.Field {
	fields := make([]ipc.Field, len(s.fields))
	for i, f := range s.fields {
		fields[i] = f.shape.field(f.name)
	}
	return fields
}

// field returns the field of values of this shape.
func (s *Shape) field(name string) ipc.Field {
	f := ipc.Field{Name: name, Nullable: true}
	switch s.kind {
	case 0:
		f.Type = ipc.Null
	case '{':
		f.Type, f.Children = ipc.Struct, s.Fields()
	case '[':
		f.Type, f.Children = ipc.List, []ipc.Field{s.item.field("item")}
	case 't':
		f.Type = ipc.Bool
	case '1':
		if f.Type = s.numbers.Type(); f.Type.Kind != ipc.KindInt {
			f.Type = ipc.Float64 // the nearest, where no integer type holds them all
		}
	default:
		switch f.Type = s.texts.Type(); f.Type.Kind {
		case ipc.KindDate, ipc.KindTimestamp, ipc.KindTime:
			if s.plain {
				f.Type = ipc.Utf8
			}
		default:
			f.Type = ipc.Utf8
		}
	}
	return f
}
