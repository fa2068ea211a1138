// A module of its own, so that nobody downloads these files with the project. It has no Go code.
module github.com/lightstream-go/lightstream/internal/testdata

go 1.26.0
