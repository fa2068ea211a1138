package fbsgen

import "github.com/lightstream-go/lightstream/codegen/fbs"

// reach returns what some tables lead to, themselves included.
func reach(roots []*fbs.Table) map[fbs.Definition]bool {
	seen := map[fbs.Definition]bool{}
	var open []fbs.Definition
	visit := func(d fbs.Definition) {
		if d != nil && !seen[d] {
			seen[d] = true
			open = append(open, d)
		}
	}
	for _, t := range roots {
		visit(t)
	}
	for len(open) > 0 {
		d := open[len(open)-1]
		open = open[:len(open)-1]
		for _, t := range typesIn(d) {
			if t.Elem != nil {
				t = t.Elem
			}
			visit(t.Definition())
		}
	}
	return seen
}

// typesIn lists the types of fields or members.
func typesIn(d fbs.Definition) []*fbs.Type {
	var list []*fbs.Type
	fields := func(fields []*fbs.Field) {
		for _, f := range fields {
			list = append(list, f.Type)
		}
	}
	switch d := d.(type) {
	case *fbs.Table:
		fields(d.Fields)
	case *fbs.Struct:
		fields(d.Fields)
	case *fbs.Union:
		for _, m := range d.Members {
			list = append(list, m.Type)
		}
	}
	return list
}
