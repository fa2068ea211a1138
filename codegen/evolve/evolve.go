// Package evolve has the columns of tables as lines of text.
package evolve
