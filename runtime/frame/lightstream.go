package frame

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/lightstream-go/lightstream/runtime/mem"
)

// Kind is what the payloads of a tag are.
type Kind byte

const (
	// Opaque are bytes that the application understands.
	Opaque Kind = iota
	// Table are Arrow IPC messages without an end marker: in the first frame of a direction the schema, a dictionary batch for
	// each dictionary column and a record batch; in later ones a record batch, with dictionary batches before it where they
	// changed.
	Table
	// Flatbuffer is a flatbuffer table.
	Flatbuffer
)

// String returns the kind's name.
func (k Kind) String() string {
	switch k {
	case Opaque:
		return "message"
	case Table:
		return "table"
	case Flatbuffer:
		return "flatbuffer message"
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// Registration is what stands behind a tag.
type Registration struct {
	Name        string
	Kind        Kind
	Fingerprint [16]byte // of a table's schema, zeros for all else
}

// LightstreamFrame is a frame of the Lightstream protocol.
type LightstreamFrame struct {
	Tag     byte
	Payload []byte // aliases what was decoded
	owner   *mem.Block
}

// Release gives the memory of a frame that came from a [Stream] to later ones. It is optional; Payload must not be used
// afterwards.
func (f *LightstreamFrame) Release() {
	if f.owner != nil {
		f.owner.Release()
		f.owner, f.Payload = nil, nil
	}
}

// TakeOwner returns the frame's reference to the memory of its payload, which is the caller's from then on; nil where the frame
// did not come from a [Stream].
func (f *LightstreamFrame) TakeOwner() *mem.Block {
	owner := f.owner
	f.owner = nil
	return owner
}

// Tags that an announcement reserves.
const (
	// TagHeartbeat is that of an empty frame that tells that the peer is there.
	TagHeartbeat = 254
	// TagEnd is that of the empty frame that ends a direction.
	TagEnd = 255
)

// Lightstream is the framing of the Lightstream protocol: frames of several kinds on one connection, told apart by tags. Both
// ends register the same names in the same order; a tag is a place in that order.
//
//	frame                       announcement, before the first frame of a direction, if both ends ask for it
//	0  1  tag                   0  4  LSG1
//	1  4  length of payload     4  2  flags: 1 an end frame will come, 2 heartbeats may come
//	5  n  payload               6  2  number of tags
//	                            then for each tag: 1 tag, 1 kind, 1 length of the name, the name, 16 fingerprint
//
// Lengths, flags and numbers are little-endian. There is no handshake: without an announcement a difference between the two ends
// shows only as a payload that is not what it should be.
//
// The zero value has no tags. It must not change once frames are coded with it; then it may be used by several goroutines.
type Lightstream struct {
	// MaxPayload is the longest payload accepted, in bytes. Zero means 64 MiB.
	MaxPayload int
	// Announced reserves tags 254 and 255, as an announcement does.
	Announced bool

	tags []Registration
}

// LightstreamHead is how many bytes of a frame stand before its payload.
const LightstreamHead = 5

const (
	announcementHead = 8
	announcementTag  = 3 + 16

	flagEnd        = 1
	flagHeartbeats = 2
)

var (
	_ Decoder[LightstreamFrame]      = (*Lightstream)(nil)
	_ SizedDecoder[LightstreamFrame] = (*Lightstream)(nil)
	_ Encoder[LightstreamFrame]      = (*Lightstream)(nil)
)

// RegisterMessage gives the next tag to messages that the application codes.
func (l *Lightstream) RegisterMessage(name string) (tag byte, err error) {
	return l.register(Registration{Name: name})
}

// RegisterFlatbuffer gives the next tag to messages that are flatbuffer tables.
func (l *Lightstream) RegisterFlatbuffer(name string) (tag byte, err error) {
	return l.register(Registration{Name: name, Kind: Flatbuffer})
}

// RegisterTable gives the next tag to batches of a table with the given fingerprint.
func (l *Lightstream) RegisterTable(name string, fingerprint [16]byte) (tag byte, err error) {
	return l.register(Registration{name, Table, fingerprint})
}

func (l *Lightstream) register(r Registration) (byte, error) {
	most := 256
	if l.Announced {
		most = TagHeartbeat
	}
	switch {
	case len(l.tags) == most:
		return 0, Errorf(ErrLimit, "lightstream: %q is one more than the %d names that have tags", r.Name, most)
	case len(r.Name) > 255:
		return 0, Errorf(ErrLimit, "lightstream: a name of %d bytes, the protocol has room for 255", len(r.Name))
	}
	for tag, have := range l.tags {
		if have.Name == r.Name {
			return 0, fmt.Errorf("lightstream: %q has tag %d already", r.Name, tag)
		}
	}
	l.tags = append(l.tags, r)
	return byte(len(l.tags) - 1), nil
}

// Registrations returns what was registered, by tag. It is read-only.
func (l *Lightstream) Registrations() []Registration { return l.tags }

// Decode finds one frame at the start of buf. Its payload aliases buf.
func (l *Lightstream) Decode(buf []byte) (f LightstreamFrame, n int, err error) {
	head, body, need, err := l.Measure(buf)
	if err != nil || need > len(buf) || body > len(buf)-head {
		return f, 0, err
	}
	return LightstreamFrame{Tag: buf[0], Payload: buf[head : head+body : head+body]}, head + body, nil
}

// Measure tells the length of the frame that starts with prefix, and refuses tags that nobody registered.
func (l *Lightstream) Measure(prefix []byte) (head, body, need int, err error) {
	if len(prefix) < LightstreamHead {
		return 0, 0, LightstreamHead, nil
	}
	tag, length := prefix[0], binary.LittleEndian.Uint32(prefix[1:])
	if string(prefix[:len(announcementMagic)]) == announcementMagic && int(tag) >= len(l.tags) {
		return 0, 0, 0, At(0, "", Errorf(ErrMalformed, "the peer announces its tags and this end does not ask for it; set announce on both ends or on neither"))
	}
	most := l.MaxPayload
	if most <= 0 {
		most = 64 << 20
	}
	control := l.Announced && tag >= TagHeartbeat
	if control && length != 0 || !control && (int(tag) >= len(l.tags) || uint64(length) > uint64(most)) {
		if err := foreignTo(thisProtocol, prefix); err != nil { // what is no frame may be something that is known
			return 0, 0, 0, err
		}
	}
	switch {
	case control && length != 0:
		return 0, 0, 0, At(1, "length", Errorf(ErrMalformed, "a frame of tag %d has %d bytes, want none", tag, length))
	case !control && int(tag) >= len(l.tags):
		return 0, 0, 0, At(0, "tag", Errorf(ErrMalformed, "tag %d, of %d that are registered; do both ends register the same names in the same order?", tag, len(l.tags)))
	case uint64(length) > uint64(most):
		return 0, 0, 0, At(1, "length", Errorf(ErrLimit, "%d bytes for %q exceed Lightstream.MaxPayload (%d bytes); raise it or send smaller frames", length, l.tags[tag].Name, most))
	}
	return LightstreamHead, int(length), 0, nil
}

// DecodeBody makes the frame whose payload is body.
func (l *Lightstream) DecodeBody(head, body []byte, owner *mem.Block) (LightstreamFrame, error) {
	return LightstreamFrame{Tag: head[0], Payload: body, owner: owner}, nil
}

// AppendFrame appends f to dst. A tag that is not registered and a payload of 4 GiB or more are errors.
func (l *Lightstream) AppendFrame(dst []byte, f LightstreamFrame) ([]byte, error) {
	dst, err := l.AppendHead(dst, f.Tag, uint64(len(f.Payload)))
	if err != nil {
		return dst, err
	}
	return append(dst, f.Payload...), nil
}

// AppendHead appends what stands before a payload of n bytes.
func (l *Lightstream) AppendHead(dst []byte, tag byte, n uint64) ([]byte, error) {
	switch {
	case int(tag) >= len(l.tags) && (!l.Announced || tag < TagHeartbeat):
		return dst, fmt.Errorf("lightstream: tag %d, of %d that are registered", tag, len(l.tags))
	case n > math.MaxUint32:
		return dst, Errorf(ErrLimit, "lightstream: a payload of %d bytes does not fit a 32-bit length; split it", n)
	}
	dst = append(dst, tag)
	return binary.LittleEndian.AppendUint32(dst, uint32(n)), nil
}

const (
	announcementMagic = "LSG1"
	thisProtocol      = "the Lightstream protocol"
)

// AppendAnnouncement appends the announcement of the tags, which says that an end frame will come.
func (l *Lightstream) AppendAnnouncement(dst []byte, heartbeats bool) []byte {
	flags := uint16(flagEnd)
	if heartbeats {
		flags |= flagHeartbeats
	}
	dst = append(dst, announcementMagic...)
	dst = binary.LittleEndian.AppendUint16(dst, flags)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(len(l.tags)))
	for tag, r := range l.tags {
		dst = append(dst, byte(tag), byte(r.Kind), byte(len(r.Name)))
		dst = append(dst, r.Name...)
		dst = append(dst, r.Fingerprint[:]...)
	}
	return dst
}

// CheckAnnouncement compares the peer's announcement at the start of buf with the tags registered here and returns how many bytes
// it took, 0 while there are too few. Different fingerprints are no error: the schema that follows is fitted to the table.
func (l *Lightstream) CheckAnnouncement(buf []byte) (n int, end, heartbeats bool, err error) {
	le := binary.LittleEndian
	if k := len(announcementMagic); len(buf) >= k && string(buf[:k]) != announcementMagic { // so many bytes has the shortest frame too
		if err := foreignTo(thisProtocol, buf); err != nil {
			return 0, false, false, err
		}
		return 0, false, false, At(0, "announcement", Errorf(ErrMalformed, "%q, want %q: the peer does not announce its tags; set announce on both ends or on neither", buf[:k], announcementMagic))
	}
	if len(buf) < announcementHead {
		return 0, false, false, nil
	}
	flags, count := le.Uint16(buf[4:]), int(le.Uint16(buf[6:]))
	switch {
	case flags&^(flagEnd|flagHeartbeats) != 0:
		return 0, false, false, At(4, "announcement.flags", Errorf(ErrUnsupported, "flags %#x, of which %#x are not known here", flags, flags&^(flagEnd|flagHeartbeats)))
	case count != len(l.tags):
		return 0, false, false, At(6, "announcement.tags", Errorf(ErrMalformed, "the peer has %d tags, this end %d", count, len(l.tags)))
	}
	at := announcementHead
	for i := range l.tags {
		if len(buf)-at < announcementTag {
			return 0, false, false, nil
		}
		size := int(buf[at+2])
		if len(buf)-at < announcementTag+size {
			return 0, false, false, nil
		}
		kind, name := Kind(buf[at+1]), string(buf[at+3:at+3+size])
		if have := &l.tags[i]; int(buf[at]) != i || kind != have.Kind || name != have.Name {
			return 0, false, false, At(int64(at), "announcement", Errorf(ErrMalformed, "the peer has tag %d for %v %q, this end tag %d for %v %q", buf[at], kind, name, i, have.Kind, have.Name))
		}
		at += announcementTag + size
	}
	return at, flags&flagEnd != 0, flags&flagHeartbeats != 0, nil
}
