package value

import "github.com/lightstream-go/lightstream/runtime/ipc"

// Twice returns the way to a field that has the name of another of the same object of JSON, "" where there is none.
func Twice(fields []ipc.Field) string { return twice(fields, "") }

// TwiceWithin is the same for the values of columns alone, whose own names may be what they are.
func TwiceWithin(columns []ipc.Field) string {
	for i := range columns {
		if path := within(&columns[i], columns[i].Name); path != "" {
			return path
		}
	}
	return ""
}

func twice(fields []ipc.Field, before string) string {
	seen := make(map[string]bool, len(fields))
	for i := range fields {
		name := fields[i].Name
		if seen[name] {
			return before + name
		}
		seen[name] = true
		if path := within(&fields[i], before+name); path != "" {
			return path
		}
	}
	return ""
}

// within looks into the values of a field. Names of items, entries and runs are no keys.
func within(f *ipc.Field, path string) string {
	below := f.Children
	switch f.Type.Kind {
	case ipc.KindStruct, ipc.KindUnion:
		return twice(below, path+".")
	case ipc.KindMap:
		if len(below) == 1 {
			below = below[0].Children
		}
	}
	for i := range below {
		if path := within(&below[i], path); path != "" {
			return path
		}
	}
	return ""
}
