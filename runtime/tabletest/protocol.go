package tabletest

import (
	"bytes"
	"context"
	"encoding"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"reflect"
	"sync"
	"testing"

	rt "github.com/lightstream-go/lightstream/runtime"
	"github.com/lightstream-go/lightstream/runtime/ipc"
)

// Message is what a generated message of type T does.
type Message[T any] interface {
	*T
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// newMessageMaker returns a maker of messages whose fields have the types that fields leads to.
func newMessageMaker[T any](fields func(*T) []any) *maker[T] {
	m := &maker[T]{fields: fields, schema: &ipc.Schema{}, random: rand.New(rand.NewPCG(3, 4))}
	for i, p := range fields(new(T)) {
		m.schema.Fields = append(m.schema.Fields, messageField(fmt.Sprint("field ", i), reflect.TypeOf(p).Elem()))
	}
	return m
}

// messageField returns a field of messages as far as values are made up by it.
func messageField(name string, typ reflect.Type) ipc.Field {
	f := ipc.Field{Name: name, Nullable: typ.Kind() == reflect.Pointer || isNull(typ)}
	switch {
	case typ.Kind() == reflect.Pointer:
		typ = typ.Elem()
	case isNull(typ):
		typ = typ.Field(0).Type
	}
	switch k := typ.Kind(); {
	case k == reflect.Struct:
		f.Type = ipc.Type{Kind: ipc.KindStruct}
		for _, v := range columnsOf(reflect.New(typ).Elem()) {
			f.Children = append(f.Children, messageField("", v.Type()))
		}
	case k == reflect.Slice && typ.Elem().Kind() != reflect.Uint8:
		f.Type = ipc.Type{Kind: ipc.KindList}
		f.Children = []ipc.Field{messageField("item", typ.Elem())}
	case k == reflect.Array && typ.Elem().Kind() != reflect.Uint8:
		f.Type = ipc.Type{Kind: ipc.KindFixedSizeList, Width: typ.Len()}
		f.Children = []ipc.Field{messageField("item", typ.Elem())}
	}
	return f
}

// MessageRoundTrip encodes messages and decodes them, into new ones and into those that are there. No beginning of one may be read as
// what it is not. Fields returns pointers to the fields of a message that are sent.
func MessageRoundTrip[T any, P Message[T]](t *testing.T, fields func(m *T) []any) {
	m := newMessageMaker(fields)
	var reused T
	for i, want := range m.rows(200) {
		text, err := P(&want).AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var got T
		if err := errors.Join(P(&got).UnmarshalBinary(text), P(&reused).UnmarshalBinary(text)); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if err := m.compare([]T{got, reused}, []T{want, want}); err != nil {
			t.Errorf("message %d: %v", i, err)
		}
		for n := range text {
			var part T
			if P(&part).UnmarshalBinary(text[:n]) != nil {
				continue
			}
			if err := m.compare([]T{part}, []T{want}); err != nil { // what is missing may be padding
				t.Fatalf("message %d: %d of %d bytes are read as a message: %v", i, n, len(text), err)
			}
		}
	}
}

// MessageFuzz decodes what the fuzzer makes of messages. Whatever comes is an error, or a message that is the same when it is encoded
// and decoded.
func MessageFuzz[T any, P Message[T]](f *testing.F, fields func(m *T) []any) {
	m := newMessageMaker(fields)
	for _, message := range m.rows(5) {
		text, err := P(&message).AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var message, again T
		if P(&message).UnmarshalBinary(text) != nil {
			return
		}
		text, err := P(&message).AppendBinary(nil)
		if err == nil {
			err = P(&again).UnmarshalBinary(text)
		}
		if err == nil {
			err = m.compare([]T{again}, []T{message})
		}
		if err != nil {
			t.Error(err)
		}
	})
}

// ProtocolMember is a table or message of a protocol, which connections of type C send.
type ProtocolMember[C any] struct {
	send  func(c C, n int) error
	check func(item any, n int) error
}

// Batches is the member of a table. The other parameters are those of [RoundTrip].
func Batches[C, R, B any, W rt.Builder[R]](send func(c C, ctx context.Context, b W) error, table *rt.Table[R, B, W], fields func(row *R) []any, values ...Values) ProtocolMember[C] {
	m := newMaker(table, fields, values)
	var sent sync.Map // rows by round; the sender is ahead of the receiver
	return ProtocolMember[C]{
		send: func(c C, n int) error {
			rows := m.rows(n)
			sent.Store(n, rows)
			return send(c, context.Background(), filled(table, rows))
		},
		check: func(item any, n int) error {
			b, ok := item.(*B)
			if !ok {
				return fmt.Errorf("a %T, want a %T", item, b)
			}
			defer any(*b).(interface{ Release() }).Release()
			want, _ := sent.LoadAndDelete(n)
			return m.compare(rowsOf[R](*b), want.([]R))
		},
	}
}

// Messages is the member of a message. The other parameter is that of [MessageRoundTrip].
func Messages[C, T any, P Message[T]](send func(c C, ctx context.Context, m P) error, fields func(m *T) []any) ProtocolMember[C] {
	m := newMessageMaker(fields)
	var sent sync.Map // messages by round
	return ProtocolMember[C]{
		send: func(c C, n int) error {
			message := m.rows(1)[0]
			sent.Store(n, message)
			return send(c, context.Background(), &message)
		},
		check: func(item any, n int) error {
			got, ok := item.(*T)
			if !ok {
				return fmt.Errorf("a %T, want a %T", item, got)
			}
			want, _ := sent.LoadAndDelete(n)
			return m.compare([]T{*got}, []T{want.(T)})
		},
	}
}

// ProtocolRoundTrip sends something of each member, again and again, and receives it, with an announcement and without. A direction
// that ends inside a frame is an error, and so is one that was announced and has no end.
func ProtocolRoundTrip[C interface{ Close() error }, I any](t *testing.T, open func(io.ReadWriter, *rt.ProtocolOptions) (C, error), recv func(c C, ctx context.Context) (I, error), members ...ProtocolMember[C]) {
	for _, announce := range []bool{false, true} {
		opts := &rt.ProtocolOptions{Announce: announce}
		near, far := net.Pipe()
		defer near.Close()
		defer far.Close()
		var wire bytes.Buffer
		const rounds = 5
		sent := make(chan error, 1)
		go func() {
			c, err := open(tee{near, &wire}, opts)
			for n := range rounds {
				for i := range members {
					if err == nil {
						err = members[i].send(c, n)
					}
				}
			}
			if err == nil {
				err = c.Close()
			}
			near.Close() // which a pipe has in the place of a half-close
			sent <- err
		}()
		c, err := open(far, opts)
		if err != nil {
			t.Fatal(err)
		}
		for n := range rounds {
			for i := range members {
				item, err := recv(c, context.Background())
				if err == nil {
					err = members[i].check(any(item), n)
				}
				if err != nil {
					t.Fatalf("announced %v, round %d, member %d: %v", announce, n, i, err)
				}
			}
		}
		if _, err := recv(c, context.Background()); err != io.EOF {
			t.Errorf("announced %v, at the end: %v, want io.EOF", announce, err)
		}
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		whole := wire.Bytes()
		for n := 0; n < len(whole); n += 1 + len(whole)/mostPrefixes {
			c, err := open(tee{bytes.NewBuffer(whole[:n:n]), io.Discard}, opts)
			for err == nil {
				_, err = recv(c, context.Background())
			}
			if announce && err == io.EOF || err != io.EOF && !errors.Is(err, rt.ErrTruncated) && !errors.Is(err, rt.ErrUnfinished) {
				t.Fatalf("announced %v, %d of %d bytes: %v", announce, n, len(whole), err)
			}
		}
	}
}

// tee writes to a copy as well.
type tee struct {
	io.ReadWriter
	copy io.Writer
}

func (t tee) Write(p []byte) (int, error) {
	n, err := t.ReadWriter.Write(p)
	_, _ = t.copy.Write(p[:n])
	return n, err
}
