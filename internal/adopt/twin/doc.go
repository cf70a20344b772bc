// Package twin makes a hierarchy that is like one that others published, under
// keys that a test holds: each certificate, trusted root and key file again, with
// other keys, key identifiers and signatures, and every other byte kept. Only
// tests import it.
package twin
