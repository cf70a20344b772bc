// Package testpki makes keys, certificates and hierarchies for tests. Only
// tests import it and what is below it; internal/rooms holds that. Within the
// project it imports nothing.
package testpki
