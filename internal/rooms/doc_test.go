// Package rooms has no code: its tests hold the packages against
// docs/architecture.md.
package rooms
