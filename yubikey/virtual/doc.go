// Package virtual is a YubiKey without the hardware: the PIV application at the
// level of APDUs (NIST SP 800-73-4 with Yubico's extensions), and a private
// PC/SC daemon that shows it to any program as a token in a reader.
//
// A [Card] answers commands as firmware 5.4.3 or 5.7.4 does: PIN, PUK and
// management key with their counters and defaults, key generation, import,
// signature and key agreement under PIN and touch policies, data objects,
// metadata, attestation and reset. Its keys live in this process and in its
// state file, so it protects nothing: it is for rehearsals and tests. Its
// attestation chain ends in a root that each card makes for itself and whose
// name says rehearsal, so that no verifier takes it for a token by Yubico.
//
// [ListenUSB] plugs a card into a virtual machine as a USB device.
//
// [Start] runs pcscd on a socket of its own with one vpcd reader for each card,
// and never on the system's socket. vpcd listens on all interfaces while it
// runs and speaks without authentication: use it on machines that you trust.
//
// The package refuses what would make rehearsal and reality differ in silence:
// a state file of another serial number or firmware, a write to slot f9, a
// daemon that did not bring every card up. It needs no cgo and imports the
// standard library and internal/{durable,fault,strict} only.
package virtual
