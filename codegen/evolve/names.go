package evolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// knowledge is what is known of a field beside its type.
type knowledge struct {
	names  bool
	values []Value
}

// named returns what is known of c and of the fields below it. That of runs is known of their values.
func (c *Column) named() map[*ipc.Field]knowledge {
	known := map[*ipc.Field]knowledge{}
	if c.Names || c.Values != nil {
		known[runValues(&c.Field)] = knowledge{c.Names, c.Values}
	}
	for i := range c.Below {
		if f := below(&c.Field, c.Below[i].Path); f != nil {
			known[runValues(f)] = knowledge{c.Below[i].Names, c.Below[i].Values}
		}
	}
	return known
}

// below returns the field at a path of names, nil if there is none.
func below(f *ipc.Field, path []string) *ipc.Field {
	for _, name := range path {
		i := slices.IndexFunc(f.Children, func(f ipc.Field) bool { return f.Name == name })
		if i < 0 {
			return nil
		}
		f = &f.Children[i]
	}
	return f
}

// runValues returns the field of the values that f has, which is f but for runs.
func runValues(f *ipc.Field) *ipc.Field {
	for f.Type.Kind == ipc.KindRunEndEncoded && len(f.Children) == 2 {
		f = &f.Children[1]
	}
	return f
}

// compareNames says how the names of a column's numbers have changed, and where numbers have other names; at any depth.
func compareNames(o, n *Column) (names, renumbered []string) {
	was, is := o.named(), n.named()
	var walk func(o, n *ipc.Field, path []string)
	walk = func(o, n *ipc.Field, path []string) {
		o, n = runValues(o), runValues(n)
		where := ""
		if len(path) != 0 {
			where = "in " + quoted(strings.Join(path, ".")) + " "
		}
		old, new := was[o], is[n]
		other, numbers := compareValues(old.values, new.values)
		if other != "" {
			names = append(names, where+other)
		}
		if old.names != new.names {
			names = append(names, where+map[bool]string{true: "has names of numbers, was any text", false: "has any text, was names of numbers"}[new.names])
		}
		if numbers != "" && o.Dictionary == nil && n.Dictionary == nil {
			renumbered = append(renumbered, where+numbers)
		}
		for i := range n.Children {
			if child := childOf(o, n, i); child != nil {
				walk(child, &n.Children[i], append(path[:len(path):len(path)], n.Children[i].Name))
			}
		}
	}
	walk(&o.Field, &n.Field, nil)
	return names, renumbered
}

// compareValues says how the names of a column's numbers have changed, and which of those that stay have another number.
func compareValues(old, new []Value) (names, numbers string) {
	if old == nil || new == nil {
		return "", ""
	}
	was := map[string]string{}
	for _, v := range old {
		was[v.Name] = v.Number
	}
	var added, other []string
	for _, v := range new {
		number, there := was[v.Name]
		switch {
		case !there:
			added = append(added, v.Name)
		case number != v.Number:
			other = append(other, fmt.Sprintf("%s is %s, was %s", v.Name, v.Number, number))
		}
		delete(was, v.Name)
	}
	var what []string
	if len(added) > 0 {
		what = append(what, "has the new names "+strings.Join(added, ", "))
	}
	if len(was) > 0 {
		var gone []string
		for _, v := range old {
			if _, is := was[v.Name]; is {
				gone = append(gone, v.Name)
			}
		}
		what = append(what, "has no longer the names "+strings.Join(gone, ", "))
	}
	return strings.Join(what, ", "), strings.Join(other, ", ")
}
