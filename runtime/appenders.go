package rt

// Generated code passes the functions below to builders of nested columns whose rows hold items in another way than the items'
// builder takes them.

// AppendPtrs adds what each pointer points to, a null for nil.
func AppendPtrs[B interface{ AppendPtr(*E) }, E any](b B, v []*E) {
	for _, p := range v {
		b.AppendPtr(p)
	}
}

// AppendNulls adds values that may be null.
func AppendNulls[B interface{ AppendNullable(E, bool) }, E any](b B, v []Null[E]) {
	for i := range v {
		b.AppendNullable(v[i].Get())
	}
}

// AppendTexts adds texts that have a type of their own.
func AppendTexts[B interface{ Append(string) }, E ~string](b B, v []E) {
	for _, s := range v {
		b.Append(string(s))
	}
}

// AppendTextPtrs adds such texts, a null for nil.
func AppendTextPtrs[B interface {
	Append(string)
	AppendNull()
}, E ~string](b B, v []*E) {
	for _, p := range v {
		if p == nil {
			b.AppendNull()
			continue
		}
		b.Append(string(*p))
	}
}

// AppendBools adds bools that have a type of their own.
func AppendBools[B interface{ Append(bool) }, E ~bool](b B, v []E) {
	for _, x := range v {
		b.Append(bool(x))
	}
}

// AppendBoolPtrs adds such bools, a null for nil.
func AppendBoolPtrs[B interface {
	Append(bool)
	AppendNull()
}, E ~bool](b B, v []*E) {
	for _, p := range v {
		if p == nil {
			b.AppendNull()
			continue
		}
		b.Append(bool(*p))
	}
}

// AppendBytes adds byte strings that have a type of their own, as Append of the builder adds those that have none.
func AppendBytes[B interface{ Append([]byte) }, E ~[]byte](b B, v []E) {
	for _, p := range v {
		b.Append(p)
	}
}
