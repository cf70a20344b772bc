// Package rehearsal walks the whole way of the data on one machine: virtual
// tokens on a private PC/SC daemon, a stand-in for KMS on loopback, and an
// operator who answers by script. It runs the very commands that a real day
// runs and supplies only what stands around them. It counts what each day asks
// of the people at the tokens, and goes on in the folder that it left: with a
// renewal, and with the switch that follows. It may join packages that stand
// side by side; the commands reach it as a function.
package rehearsal
