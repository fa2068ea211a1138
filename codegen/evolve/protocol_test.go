package evolve_test

import (
	"strings"
	"testing"

	"github.com/lightstream-go/lightstream/codegen/evolve"
)

// TestMessagesAndProtocols judges changes of what is in one file of a lock.
func TestMessagesAndProtocols(t *testing.T) {
	const beat = "message Beat beat\n\tsent: int64 not null; slot 0\n\thost: utf8 not null; slot 1\n\tload: float32; slot 2\n"
	const lots = "message Order order\n\tlots: list<item: struct<qty: int32 not null> not null>; in item > qty at 0; default 7; slot 0\n"
	const place = "message Order order\n\tat: struct<x: int32 not null>; slot 0\n"
	const deep = "message Order order\n\tat: struct<x: int32 not null, to: struct<y: int64 not null> not null> not null; inline 112 align 16; in to inline 96 align 16; slot 0\n"
	const below = "message Order order\n\tat: struct<x: int32 not null, to: struct<y: int64 not null> not null> not null; in x at 0; in to at 1 inline 16 align 16; slot 0\n"
	const feed = "protocol Feed\n\ttable trade\n\ttable quote\n\tmessage beat\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing", beat + feed, beat + feed, ""},
		{"a message added", "", beat, "Beat: the message was added: safe: nobody knows it yet"},
		{"a protocol added", "", feed, "Feed: the protocol was added: safe: nobody knows it yet"},
		{"a message removed", beat, "", "Beat: the message was removed: breaking: nobody reads old streams, and old readers get no new ones"},
		{"a protocol removed", feed, "", "Feed: the protocol was removed: breaking: nobody speaks with old ends"},

		{"a field at the end", beat, beat + "\tlevel: uint8 not null; slot 3\n", "Beat: level was added: uint8 not null: safe: new readers read 0 in its place; old readers pass over it"},
		{"one with a default", beat, beat + "\tlevel: uint8 not null; default 3; slot 3\n", "Beat: level was added: uint8 not null: safe: new readers read 3 in its place; old readers pass over it"},
		{"one that may be null", beat, beat + "\tnote: utf8; slot 3\n", "Beat: note was added: utf8: safe: new readers read null in its place; old readers pass over it"},
		{"one that is required", beat, beat + "\tnote: utf8 not null; slot 3\n", "Beat: note was added: utf8 not null: writer first: new readers refuse old messages: make it nullable; old readers pass over it"},
		{"a field removed at the end", beat, cut(beat, "\tload: float32; slot 2\n"), "Beat: load was removed: float32: safe: new readers pass over it; old readers read null in its place"},
		{"a field deprecated", beat, cut(beat, "\tsent: int64 not null; slot 0\n"), "Beat: sent was removed: int64 not null: safe: new readers pass over it; old readers read 0 in its place"},
		{"a required field deprecated", beat, cut(beat, "\thost: utf8 not null; slot 1\n"), "Beat: host was removed: utf8 not null: reader first: new readers pass over it; old readers refuse new messages: it is required"},
		{"a field removed before others", beat, "message Beat beat\n\tsent: int64 not null; slot 0\n\tload: float32; slot 1\n", `
Beat: load has slot 1, which was that of host: breaking: fields are found by their slots: leave them where they are, and add others at the end
Beat: load was removed: float32: safe: new readers pass over it; old readers read null in its place`},
		{"a field renamed", beat, strings.Replace(beat, "sent", "at", 1), "Beat: at was called sent: safe: fields are found by their slots"},
		{"another type", beat, strings.Replace(beat, "int64", "int32", 1), "Beat: sent is int32 not null, was int64 not null: breaking: the same bytes are read as something else"},
		{"text that may be null now", beat, strings.Replace(beat, "utf8 not null", "utf8", 1), "Beat: host is utf8, was utf8 not null: reader first: old readers refuse new messages without it"},
		{"text that may not be null now", strings.Replace(beat, "utf8 not null", "utf8", 1), beat, "Beat: host is utf8 not null, was utf8: writer first: new readers refuse old messages without it"},
		{"a number that may be null now", beat, strings.Replace(beat, "int64 not null", "int64", 1), "Beat: sent is int64, was int64 not null: breaking: a value that is the default is left out, and read as 0 by one side and as null by the other"},
		{"another default", beat, strings.Replace(beat, "int64 not null", "int64 not null; default 7", 1), "Beat: sent has the default 7, was 0: breaking: a value that is the default is left out, and read as 0 by one side and as 7 by the other"},
		{"the same default", beat, strings.Replace(beat, "int64 not null", "int64 not null; default 0", 1), ""},
		{"a field of a table added", lots, strings.NewReplacer("qty: int32 not null>", "qty: int32 not null, side: int8 not null>", "; slot 0", "; in item > side at 1; default 4; slot 0").Replace(lots), "Order: lots.side was added: int8 not null: safe: new readers read 4 in its place; old readers pass over it"},
		{"a field of a table renamed", lots, strings.ReplaceAll(lots, "qty", "size"), "Order: lots.size was called qty: safe: fields are found by their slots"},
		{"another type of one", lots, strings.ReplaceAll(lots, "qty: int32", "qty: int64"), "Order: lots.qty is int64 not null, was int32 not null: breaking: the same bytes are read as something else"},
		{"another default of one", lots, strings.Replace(lots, "default 7", "default 8", 1), "Order: lots.qty has the default 8, was 7: breaking: a value that is the default is left out, and read as 7 by one side and as 8 by the other"},
		{"one for a vector", lots, strings.NewReplacer("list<item: struct<qty: int32 not null> not null>", "struct<qty: int32 not null>", "item > ", "").Replace(lots), "Order: lots is struct<qty: int32 not null>, was list<item: struct<qty: int32 not null> not null>: breaking: the same bytes are read as something else"},
		{"a table that has to be there", lots, strings.Replace(lots, "not null>;", "not null> not null;", 1), "Order: lots is list<item: struct<> not null> not null, was list<item: struct<> not null>: writer first: new readers refuse old messages without it"},
		{"a struct in place", place, strings.Replace(place, "x: int32 not null>", "x: int32 not null, y: int32 not null>", 1), "Order: at is struct<x: int32 not null, y: int32 not null>, was struct<x: int32 not null>: breaking: the same bytes are read as something else"},
		{"a table that lies in place now", lots, strings.Replace(lots, "in item > qty at 0; default 7", "in item inline 4 align 4", 1), "Order: lots item lies in place, was a table: breaking: the same bytes are read as something else"},
		{"a struct that is a table now", place, strings.Replace(place, "; slot", "; in x at 0; slot", 1), "Order: at is a table, lay in place: breaking: the same bytes are read as something else"},
		{"one of which an old lock says nothing", place, strings.Replace(place, "; slot", "; inline 4 align 4; slot", 1), ""},
		{"another alignment", strings.Replace(place, "; slot", "; inline 16 align 16; slot", 1), strings.Replace(place, "; slot", "; inline 8 align 8; slot", 1), "Order: at takes 8 bytes in place at multiples of 8, was 16 at multiples of 16: breaking: the same bytes are read as something else"},
		{"another alignment within", deep, strings.Replace(deep, "to inline 96 align 16", "to inline 80 align 8", 1), "Order: at to takes 80 bytes in place at multiples of 8, was 96 at multiples of 16: breaking: the same bytes are read as something else"},
		{"another alignment below a table", below, strings.Replace(below, "at 1 inline 16 align 16", "at 1 inline 8 align 8", 1), "Order: at.to takes 8 bytes in place at multiples of 8, was 16 at multiples of 16: breaking: the same bytes are read as something else"},
		{"other numbers in a vector", "message M m\n\ts: list<item: uint8 not null>; in item; values A 1, B 2; slot 0\n", "message M m\n\ts: list<item: uint8 not null>; in item; values A 1, B 3; slot 0\n", "M: s item B is 3, was 2: breaking: the same number means something else"},

		{"a codec", beat, "opaque Beat beat\n", "Beat: is what a codec makes of it, was a flatbuffer: breaking: neither reads the other's bytes"},
		{"no codec", "opaque Beat beat\n", beat, "Beat: is a flatbuffer, was what a codec made of it: breaking: neither reads the other's bytes"},
		{"the same codec", "opaque Beat beat\n", "opaque Beat beat\n", ""},

		{"a member at the end", feed, feed + "\ttable order\n", "Feed: order was added with tag 3: reader first: old ends know no such tag, and those that announce their tags refuse each other"},
		{"a member removed at the end", feed, cut(feed, "\tmessage beat\n"), "Feed: beat was removed, with tag 2: writer first: new ends know no such tag, and those that announce their tags refuse each other"},
		{"members moved", feed, "protocol Feed\n\ttable quote\n\ttable trade\n\tmessage beat\n", `
Feed: quote has tag 0, which was that of table trade: breaking: tags are places in the list: leave members where they are, and add others at the end
Feed: trade has tag 1, which was that of table quote: breaking: tags are places in the list: leave members where they are, and add others at the end`},
		{"a member before others", feed, "protocol Feed\n\ttable order\n\ttable trade\n\ttable quote\n\tmessage beat\n", `
Feed: order has tag 0, which was that of table trade: breaking: tags are places in the list: leave members where they are, and add others at the end
Feed: trade has tag 1, which was that of table quote: breaking: tags are places in the list: leave members where they are, and add others at the end
Feed: quote has tag 2, which was that of message beat: breaking: tags are places in the list: leave members where they are, and add others at the end
Feed: beat was added with tag 3: reader first: old ends know no such tag, and those that announce their tags refuse each other`},
		{"a member renamed or replaced", feed, strings.Replace(feed, "quote", "bid", 1), "Feed: bid has tag 1, which was that of table quote: breaking: another in its place is read as the old one; where only the name is new, ends that announce their tags refuse each other"},
		{"a message for a table", feed, strings.Replace(feed, "table quote", "message quote", 1), "Feed: quote has tag 1, which was that of table quote: breaking: tags are places in the list: leave members where they are, and add others at the end"},
	} {
		var got []string
		changes := evolve.CompareLocks(lockOf(t, c.old), lockOf(t, c.new))
		for i := range changes {
			got = append(got, changes[i].String())
		}
		if text := strings.Join(got, "\n"); text != strings.TrimPrefix(c.want, "\n") {
			t.Errorf("%s gives\n%s\nwant\n%s", c.name, text, c.want)
		}
	}
}

func cut(text, line string) string { return strings.Replace(text, line, "", 1) }

func lockOf(t *testing.T, text string) *evolve.Lock {
	t.Helper()
	lock, err := evolve.ParseLock([]byte(head + "file f_lightstream.go\n" + text))
	if err != nil {
		t.Fatal(err)
	}
	return lock
}
