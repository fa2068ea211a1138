// Package frame cuts a byte stream into frames, and makes frames.
//
// A framer is a [Decoder], which finds one frame at the start of a buffer. [Stream] adds everything else: it pumps a
// decoder over an [io.Reader] through a [Buffer] in 64-byte-aligned memory, hands frames out as views into that memory,
// and reads the body of a large frame straight into memory of its own where the decoder is also a [SizedDecoder].
//
// Three framings are here: [IPC] for the messages of Arrow IPC, [TLV], and [Lightstream], which is TLV with registered types:
//
//	Arrow IPC message                           TLV frame
//	0   4  FF FF FF FF (absent before 0.15)     0  1  type
//	4   4  length of the metadata, int32        1  4  length of the value, uint32
//	8   n  metadata: flatbuffer Message, zeros  5  n  value
//	8+n m  body: m is bodyLength of the Message
//
// All integers are little-endian.
package frame
