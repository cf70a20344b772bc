// Package rehearsal walks the whole way of the data on one machine: a virtual
// token on a private PC/SC daemon, a stand-in for KMS on loopback, and an
// operator who answers by script. It runs the very commands that a real day
// runs and supplies only what stands around them. It may join packages that
// stand side by side; the commands reach it as a function.
package rehearsal
