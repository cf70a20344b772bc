// Package adopt makes a trust directory of certificates, keys and a trusted root
// that others made.
package adopt
