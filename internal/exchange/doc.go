// Package exchange makes the request that a trust directory sends to a ceremony,
// and accepts the record that comes back.
package exchange
