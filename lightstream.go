// Package lightstream moves columns between processes as typed Apache Arrow streams.
package lightstream

//go:generate go run ./codegen/internal/fbsgo -doc schema/arrowfb.txt -o gen/arrowfb schema/Message.fbs schema/File.fbs
//go:generate go run -C internal/asm/_gen . -o ..
