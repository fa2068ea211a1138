// Package peers holds no code, only the tests that run this project against other Arrow implementations in other processes:
// pyarrow, polars, lightstream-io and, for single types, others. README.md says what a cell is and how to add one.
package peers
