// Package ipc reads and writes Arrow IPC: streams and files of record batches, as columns without Go types.
//
// A stream is a schema message, then dictionary and record batch messages in the order in which they are needed, then an
// end marker. A file is the same between two magic strings, with a footer that says where each message is:
//
//	stream                              file
//	schema message                      0   8  ARROW1, two zero bytes
//	dictionary batches, record batches  8      what a stream has, with its end marker
//	FF FF FF FF 00 00 00 00             …      footer: flatbuffer Footer
//	                                    -10 4  length of the footer
//	                                    -6  6  ARROW1
//
// What is written here is little-endian, metadata version V5, with every message and every buffer at a multiple of 64 bytes
// and padded to one. Package frame draws a single message.
//
// Source: Arrow columnar format, "Serialization and Interprocess Communication (IPC)".
package ipc
