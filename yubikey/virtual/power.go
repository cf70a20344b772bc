package virtual

import "time"

// pull takes the card out of its reader: whatever it waits for ends, and what
// it knew of the session is lost.
func (c *Card) pull() {
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
func (c *Card) insert(gone func()) {
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
func (c *Card) reset() {
	c.exec.Lock()
	defer c.exec.Unlock()
	c.session = session{}
}

func (c *Card) removal() <-chan struct{} {
	c.control.Lock()
	defer c.control.Unlock()
	return c.pulled
}

func (c *Card) isPulled() bool {
	select {
	case <-c.removal():
		return true
	default:
		return false
	}
}

// wait sleeps for d, or less if the card is pulled.
func (c *Card) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.removal():
	}
}

// loseReader pulls the card and takes its daemon away.
func (c *Card) loseReader() {
	c.pull()
	c.control.Lock()
	gone := c.gone
	c.control.Unlock()
	if gone != nil {
		gone()
	}
}

// faultAt takes the fault of exchange n off the list; its kind is zero when
// there is none.
func (c *Card) faultAt(n int) Fault {
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
