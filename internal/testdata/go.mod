// This directory is a module of its own so that the files are not part of what users download.
module github.com/lightstream-go/lightstream/internal/testdata

go 1.26.0
