// A module of its own, so that the data is not part of what users of the library download.
module github.com/lightstream-go/lightstream/examples/flights/data

go 1.26.0
