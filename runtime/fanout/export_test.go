package fanout

import (
	"bytes"
	"context"
)

// Join adds a reader without a goroutine, so that what happens depends on the input alone, and returns what gives its stream so far.
func (h *Hub) Join() (take func(dst *bytes.Buffer), err error) {
	_, cancel := context.WithCancelCause(context.Background())
	r, err := h.join(cancel)
	if err != nil {
		return nil, err
	}
	return func(dst *bytes.Buffer) {
		for {
			if more, _ := h.next(r); !more {
				return
			}
			for _, p := range r.parts {
				dst.Write(p)
			}
			h.sent(r, r.size, true)
		}
	}, nil
}
