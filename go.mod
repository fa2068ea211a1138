module github.com/lightstream-go/lightstream

go 1.26.0

require (
	github.com/apache/arrow-go/v18 v18.8.0 // indirect
	github.com/dave/jennifer v1.7.1 // indirect
	github.com/google/flatbuffers v25.12.19+incompatible // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
