// Package peers holds no code, only the tests that run this project against other Arrow implementations in other processes:
// pyarrow, polars and lightstream-io. README.md says what a cell is and how to add one.
package peers
