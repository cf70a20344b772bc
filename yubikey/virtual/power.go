package virtual

import "time"

// pull takes the card out of its reader: whatever it waits for ends, and what
// it knew of the session is lost.
func pull(c *Card) {
	c.control.Lock()
	defer c.control.Unlock()
	select {
	case <-c.pulled:
	default:
		close(c.pulled)
	}
}

// insert puts the card into a reader again, without power. It waits until a
// command that was cut short by pull is done.
func insert(c *Card, gone func()) {
	c.exec.Lock()
	defer c.exec.Unlock()
	c.session = session{}
	c.control.Lock()
	defer c.control.Unlock()
	c.gone = gone
	select {
	case <-c.pulled:
		c.pulled = make(chan struct{})
	default:
	}
}

// reset is what a reader does with a card on power-on, reset and power-off: no
// application is selected and nothing is verified any more.
func reset(c *Card) {
	c.exec.Lock()
	defer c.exec.Unlock()
	c.session = session{}
}

func removal(c *Card) <-chan struct{} {
	c.control.Lock()
	defer c.control.Unlock()
	return c.pulled
}

func isPulled(c *Card) bool {
	select {
	case <-removal(c):
		return true
	default:
		return false
	}
}

// wait sleeps for d, or less if the card is pulled.
func wait(c *Card, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-removal(c):
	}
}

// loseReader pulls the card and takes its daemon away.
func loseReader(c *Card) {
	pull(c)
	c.control.Lock()
	gone := c.gone
	c.control.Unlock()
	if gone != nil {
		gone()
	}
}

// faultAt takes the fault of exchange n off the list; its kind is zero when
// there is none.
func faultAt(c *Card, n int) Fault {
	c.control.Lock()
	defer c.control.Unlock()
	for i, f := range c.faults {
		if f.At == n {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
			return f
		}
	}
	return Fault{}
}
