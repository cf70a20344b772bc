package virtual

import "net"

// Firmware returns the card's version: major, minor, patch.
func (c *Card) Firmware() [3]byte { return c.firmware }

// Addr is where a machine connects.
func (u *USB) Addr() net.Addr { return u.listener.Addr() }
