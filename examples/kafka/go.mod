module github.com/lightstream-go/lightstream/examples/kafka

go 1.26.0

replace github.com/lightstream-go/lightstream => ../../

require (
	github.com/lightstream-go/lightstream v0.0.0
	github.com/twmb/franz-go v1.22.3
	github.com/twmb/franz-go/pkg/kfake v0.0.0-20260918054303-01f206a7e32c
)

require (
	github.com/dave/jennifer v1.7.1 // indirect
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/twmb/franz-go/pkg/kmsg v1.15.1 // indirect
	golang.org/x/sys v0.50.0 // indirect
)

tool github.com/lightstream-go/lightstream/cmd/lightstream-gen
