package virtual

import "time"

// touchPolicy is the byte that GENERATE, IMPORT, metadata and attestations
// carry (Yubico's extensions, tag AB).
type touchPolicy byte

const (
	touchNever  touchPolicy = 1
	touchAlways touchPolicy = 2
	touchCached touchPolicy = 3
)

// touched asks for a touch where the policy wants one: swOK when it came, and
// swSecurityStatus when it did not come in time, as the token answers.
func touched(c *Card, p touchPolicy) status {
	if p != touchAlways && p != touchCached {
		return swOK
	}
	if p == touchCached && !c.session.touched.IsZero() && time.Since(c.session.touched) < touchTime {
		return swOK
	}
	if sw := awaitTouch(c); sw != swOK {
		return sw
	}
	c.session.touched = time.Now()
	return swOK
}

func awaitTouch(c *Card) status {
	touch, press, pulled := beginWait(c)
	defer endWait(c)
	var finger <-chan time.Time // nil: only Press
	switch touch.Mode {
	case TouchImmediate:
		return swOK
	case TouchRefused:
		return swSecurityStatus
	case TouchDelayed:
		timer := time.NewTimer(touch.Delay)
		defer timer.Stop()
		finger = timer.C
	case TouchAbsent:
	}
	if c.options.OnTouch != nil {
		c.options.OnTouch(true)
		defer c.options.OnTouch(false)
	}
	limit := time.NewTimer(touch.Timeout)
	defer limit.Stop()
	select {
	case <-finger:
		return swOK
	case <-press:
		return swOK
	case <-pulled:
		return swSecurityStatus // nobody reads it any more
	case <-limit.C:
		return swSecurityStatus
	}
}

// beginWait lets Press through from now on, and returns what ends the wait.
func beginWait(c *Card) (Touch, <-chan struct{}, <-chan struct{}) {
	c.control.Lock()
	defer c.control.Unlock()
	touch := c.touch
	if touch.Timeout == 0 {
		touch.Timeout = touchTime
	}
	c.press = make(chan struct{}, 1)
	return touch, c.press, c.pulled
}

func endWait(c *Card) {
	c.control.Lock()
	defer c.control.Unlock()
	c.press = nil
}
