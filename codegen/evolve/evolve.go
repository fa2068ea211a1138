// Package evolve judges how tables change.
package evolve
